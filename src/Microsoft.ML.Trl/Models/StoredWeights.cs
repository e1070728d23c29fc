using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Gives a model under construction the tensors of a checkpoint, and reports what does not fit by name.</summary>
/// <param name="store">The checkpoint.</param>
/// <param name="prefix">Name of the decoder inside the model, such as <c>transformer</c>; the checkpoint may leave it out.</param>
/// <param name="device">Where the weights go.</param>
/// <param name="type">Their type in memory.</param>
internal sealed class StoredWeights(IWeightStore store, string prefix, Device device, ScalarType type) : WeightSource
{
    private const int Listed = 8;

    // Buffers that older versions of transformers saved; they can be worked out.
    private static readonly string[] DerivedSuffixes = [".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq"];

    private static readonly string[] FloatTypes = ["F64", "F32", "F16", "BF16"];

    private readonly HashSet<string> _used = new(StringComparer.Ordinal);
    private readonly List<string> _missing = [], _misshapen = [], _mistyped = [], _notFloat = [];

    /// <summary>Fails when the checkpoint has fewer blocks, or experts, than the model will ask for.</summary>
    /// <param name="config">Of the model.</param>
    /// <exception cref="InvalidDataException">The message names both numbers.</exception>
    public void CheckLayers(ModelConfig config)
    {
        CheckLayers(prefix, config.Family.BlocksName, config.LayerCount);
        if (config.IsEncoderDecoder)
            CheckLayers(config.Family.EncoderName, config.Family.BlocksName, config.EncoderLayerCount);
        CheckExperts(config);
    }

    private void CheckLayers(string stack, string blocks, int count)
    {
        string list = blocks + ".";
        HashSet<string> held = new(StringComparer.Ordinal);
        var numbers = held.GetAlternateLookup<ReadOnlySpan<char>>();
        foreach (string name in store.Names)
        {
            ReadOnlySpan<char> bare = Bare(name, stack);
            if (!bare.StartsWith(list, StringComparison.Ordinal))
                continue;
            ReadOnlySpan<char> rest = bare[list.Length..], number = rest[..(rest.IndexOf('.') is >= 0 and int dot ? dot : rest.Length)];
            if (!number.ContainsAnyExceptInRange('0', '9'))
                numbers.Add(number);
        }
        if (held.Count < count)
            throw new InvalidDataException(
                $"The configuration of '{store.Source}' has {count} layers, but the weights hold {held.Count} "
                + $"({stack}.{list}0, {stack}.{list}1, ...). "
                + "Configuration and weights must belong together; save or download both again.");
    }

    private void CheckExperts(ModelConfig config)
    {
        if (config.Experts is not { } experts || experts.SparseLayers(config.LayerCount) == 0)
            return;
        string list = $".{experts.Names.Layer}.experts.";
        int held = store.Names.Select(name => (Name: name, Place: name.IndexOf(list, StringComparison.Ordinal)))
            .Where(found => found.Place >= 0).Select(found => found.Name[(found.Place + list.Length)..].Split('.')[0])
            .Where(number => number.All(char.IsAsciiDigit)).Distinct().Count();
        if (held < experts.Count)
            throw new InvalidDataException(
                $"The configuration of '{store.Source}' has {experts.Count} experts ({experts.CountKey}), but the weights hold {held} "
                + $"(...{list}0, ...{list}1, ...). Configuration and weights must belong together; save or download both again.");
    }

    /// <summary>Fails unless the checkpoint and the model had the same tensors.</summary>
    /// <param name="mayIgnore">Tensors of the checkpoint that this kind of model has no use for.</param>
    /// <param name="advice">What to do, added to the message.</param>
    /// <exception cref="InvalidDataException">Tensors are missing, of another shape, of whole numbers, or left over.</exception>
    public void Check(Func<string, bool> mayIgnore, string advice)
    {
        IEnumerable<string> left = store.Names.Where(name => !_used.Contains(name) && !mayIgnore(name) && !IsDerived(name));
        string[] reports =
        [
            Report("Missing", _missing), Report("Of another shape", _misshapen),
            Report("Of another type", _mistyped), Report("Not part of the model", left),
            Report($"Of a type that weights cannot have (allowed are {string.Join(", ", FloatTypes)}; convert them)", _notFloat),
        ];
        string problems = string.Join(" ", reports.Where(text => text.Length > 0));
        if (problems.Length > 0)
            throw new InvalidDataException($"The weights in '{store.Source}' do not fit its configuration. {problems} {advice}");
    }

    public override ScalarType? Type => type;

    public override Tensor Read(string name, Initializer initializer, params long[] shape) =>
        Find(name, shape) is { } stored ? store.Take(stored.Name, stored.Type ?? type) : empty(0);

    public override IEnumerable<(long From, Tensor Rows)> ReadRows(
        string name, Initializer initializer, long atOnce, long outputs, long inputs) =>
        Find(name, [outputs, inputs]) is { } stored ? store.TakeRows(stored.Name, atOnce) : []; // lacking: reported later

    /// <summary>Whether a weight is stored in few bits.</summary>
    public bool IsQuantized(string name) => Stored(name) is { TypeName: "I8" or "U8" };

    /// <summary>A part of a quantized weight, in the type that it is stored in.</summary>
    /// <param name="name">Of the part.</param>
    /// <param name="typeName">That it must have.</param>
    /// <param name="shape">That it must have.</param>
    /// <returns>In the current scope; zeros where it does not fit, which <see cref="Check"/> reports.</returns>
    public Tensor Part(string name, ScalarType typeName, long[] shape)
    {
        if (Find(name, shape, [SafetensorsTypes.NameOf(typeName)]) is { } stored)
            return store.Take(stored.Name, typeName);
        return zeros(shape, typeName);
    }

    protected override Tensor Make(string name, Initializer initializer, long[] shape) =>
        Find(name, shape) is { } stored ? store.Take(stored.Name, type).to(device) : empty(0);

    private TensorEntry? Stored(string name) => store.Find(name) ?? store.Find(Bare(name, prefix).ToString());

    private TensorEntry? Find(string name, long[] shape, string[]? types = null)
    {
        if (Stored(name) is not { } stored)
        {
            _missing.Add($"{name} [{string.Join(", ", shape)}]");
            return null;
        }
        _used.Add(stored.Name);
        if (!stored.Shape.SequenceEqual(shape))
        {
            _misshapen.Add($"{stored.Name} [{string.Join(", ", stored.Shape)}] instead of [{string.Join(", ", shape)}]");
            return null;
        }
        if (types is not null && !types.Contains(stored.TypeName))
        {
            _mistyped.Add($"{stored.Name} {stored.TypeName} instead of {string.Join(", ", types)}");
            return null;
        }
        if (types is null && !FloatTypes.Contains(stored.TypeName))
        {
            _notFloat.Add($"{stored.Name} ({stored.TypeName})");
            return null;
        }
        return stored;
    }

    /// <summary>A name without the prefix, where it has it.</summary>
    private static ReadOnlySpan<char> Bare(string name, string prefix) =>
        name.Length > prefix.Length && name[prefix.Length] == '.' && name.StartsWith(prefix, StringComparison.Ordinal)
            ? name.AsSpan(prefix.Length + 1) : name;

    private static bool IsDerived(string name) => Array.Exists(DerivedSuffixes, suffix => name.EndsWith(suffix, StringComparison.Ordinal));

    private static string Report(string title, IEnumerable<string> names)
    {
        string[] all = [.. names];
        string more = all.Length > Listed ? $" and {all.Length - Listed} more" : "";
        return all.Length == 0 ? "" : $"{title}: {string.Join(", ", all.Take(Listed))}{more}.";
    }
}
