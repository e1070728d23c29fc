using Microsoft.ML.Trl.Models;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>Makes adapters for a model: fresh ones, or what a file holds.</summary>
internal static class LoraMaking
{
    // what PEFT trains whole in every sequence classifier
    private static readonly string[] ClassifierHeads = ["classifier", "score"];

    /// <summary>An adapter that nobody has trained yet.</summary>
    /// <param name="model">Only read.</param>
    /// <param name="options">Checked.</param>
    /// <param name="name">Checked.</param>
    /// <param name="seed">The values are a function of it.</param>
    /// <exception cref="ArgumentException">A name is that of no layer or module.</exception>
    /// <exception cref="NotSupportedException">A module cannot be trained by itself.</exception>
    public static LoraAdapter Fresh(DecoderModel model, LoraOptions options, string name, int seed)
    {
        if (model is not CausalLanguageModel)
            options = options with { ModulesToSave = [.. (options.ModulesToSave ?? []).Union(ClassifierHeads)] };
        using var rng = new Generator((ulong)(uint)seed);
        var layers = LayerMatch.Layers(model, options, isStrict: true);
        return Make(model, options, name, layers, (path, layer, rank, scale) => LoraValues.Fresh(options, rank, scale, layer, rng), null);
    }

    /// <summary>The adapter that a file holds.</summary>
    /// <param name="model">Only read.</param>
    /// <param name="options">Of its configuration.</param>
    /// <param name="name">Checked.</param>
    /// <param name="store">The file.</param>
    /// <exception cref="InvalidDataException">It does not fit the model; the message names the tensors.</exception>
    public static LoraAdapter Stored(DecoderModel model, LoraOptions options, string name, IWeightStore store)
    {
        ScalarType type = model.Body.Tokens.Type == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        StoredWeights source = new(store, LoraAdapter.Prefix.TrimEnd('.'), model.Device, type);
        IReadOnlyList<(string, LinearModule)> layers;
        try
        {
            layers = LayerMatch.Layers(model, options, isStrict: false);
        }
        catch (ArgumentException cause)
        {
            throw new InvalidDataException($"The adapter in '{store.Source}' does not fit the model. {cause.Message}", cause);
        }
        LoraAdapter adapter = Make(
            model, options, name, layers, (path, layer, rank, scale) => Read(source, options, path, layer, rank, scale), (source, store));
        try
        {
            source.Check(_ => false, "Was the adapter trained on this model?");
        }
        catch
        {
            adapter.Discard();
            throw;
        }
        return adapter;
    }

    private static LoraValues Read(StoredWeights source, LoraOptions options, string path, LinearModule layer, int rank, double scale)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        (long outputs, long inputs, _) = layer.Shape;
        Tensor Take(string what, params long[] shape)
        {
            using Parameter taken = source.Take($"{LoraAdapter.Prefix}{path}.{what}", Initializer.Zeros, shape);
            return taken.detach().MoveToOuterDisposeScope();
        }
        Tensor down = Take("lora_A.weight", rank, inputs), up = Take("lora_B.weight", outputs, rank);
        Tensor? magnitude = options.UseDora ? Take("lora_magnitude_vector", outputs) : null;
        if (options.InitLoraWeights != LoraInitialization.Pissa)
            return new LoraValues(down, up, magnitude);
        LoraValues start = LoraValues.Principal(LinearAdapters.Rows(layer).to_type(ScalarType.Float32), rank, scale, down.dtype);
        return new LoraValues(down, up, magnitude, start.StartDown!.MoveToOuterDisposeScope(), start.StartUp!.MoveToOuterDisposeScope());
    }

    private static LoraAdapter Make(
        DecoderModel model, LoraOptions options, string name, IReadOnlyList<(string Path, LinearModule Layer)> layers,
        Func<string, LinearModule, int, double, LoraValues> values, (StoredWeights Source, IWeightStore Store)? stored)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        var parts = new List<PlacedLora>();
        foreach ((string path, LinearModule layer) in layers)
        {
            int rank = LayerMatch.Of(options.RankPattern, path, options.R);
            double alpha = LayerMatch.Of(options.AlphaPattern, path, options.LoraAlpha);
            double scale = alpha / (options.UseRslora ? Math.Sqrt(rank) : rank);
            parts.Add(new PlacedLora(path, layer, new LoraLayer("adapter_" + name, scale, values(path, layer, rank, scale))));
        }
        var adapter = new LoraAdapter(name, options, parts, []);
        List<OwnWeight> own = [];
        foreach ((string weightName, Parameter weight) in Own(model, options, parts, isStrict: stored is null))
        {
            Tensor? value = stored is { } file ? Take(file.Source, file.Store, adapter, weightName, weight) : weight.detach().clone();
            if (value is not null)
                own.Add(new OwnWeight(weightName, weight, value.DetachFromDisposeScope()));
        }
        return new LoraAdapter(name, options, parts, own);
    }

    private static Tensor? Take(StoredWeights source, IWeightStore store, LoraAdapter adapter, string name, Parameter weight)
    {
        string deep = LoraAdapter.Prefix + adapter.StoredName(name), plain = LoraAdapter.Prefix + name;
        if (store.Find(deep) is null && (store.Find(plain) is not null || adapter.Options.Bias == LoraBias.LoraOnly))
        {
            if (store.Find(plain) is null && deep != plain)
                return null; // PEFT does not save these biases
            deep = plain;
        }
        using Parameter taken = source.Take(deep, Initializer.Zeros, weight.shape);
        return taken.detach().to_type(weight.dtype);
    }

    /// <summary>The weights that are trained themselves.</summary>
    private static (string Name, Parameter Weight)[] Own(
        DecoderModel model, LoraOptions options, IReadOnlyList<PlacedLora> parts, bool isStrict)
    {
        (string Name, Parameter Weight)[] all =
        [
            .. model.named_parameters().Where(pair => model.Adapters?.Owns(pair.parameter) != true)
                .Select(pair => (pair.name, pair.parameter)),
        ];
        HashSet<string> chosen = new(StringComparer.Ordinal);
        foreach (string module in options.ModulesToSave ?? [])
        {
            string[] found = [.. LayerMatch.Below(all.Select(weight => weight.Name), module)];
            bool isHead = model is not CausalLanguageModel && ClassifierHeads.Contains(module);
            if (found.Length == 0 && isStrict && !isHead)
                throw NoModule(model, module, all.Select(weight => weight.Name));
            chosen.UnionWith(found);
        }
        IEnumerable<string> biases = options.Bias switch
        {
            LoraBias.All => all.Select(weight => weight.Name).Where(name => name.Contains("bias", StringComparison.Ordinal)),
            LoraBias.LoraOnly => parts.Select(at => at.Path + ".bias"),
            _ => [],
        };
        chosen.UnionWith(biases);
        (string Name, Parameter Weight)[] own = [.. all.Where(weight => chosen.Contains(weight.Name))];
        if (model.Config.TieWordEmbeddings && model is CausalLanguageModel
            && Array.Find(own, weight => ReferenceEquals(weight.Weight, model.Body.TokenEmbedding)).Name is { } tied)
            throw new NotSupportedException(
                $"ModulesToSave means '{tied}', which is also the vocabulary projection of this model; leave it out, or start from a model "
                + "whose embeddings are not tied.");
        return own;
    }

    private static ArgumentException NoModule(DecoderModel model, string module, IEnumerable<string> names)
    {
        bool isTied = model.Config.TieWordEmbeddings && module == model.Config.Family.HeadName;
        string why = isTied
            ? "the vocabulary projection of this model is the token embedding, so that it has no weights of its own; leave it out"
            : $"modules hold weights such as {string.Join(", ", names.TakeLast(3))}";
        return new ArgumentException(
            $"ModulesToSave has '{module}', which no module with weights of the model is called: {why}.");
    }
}
