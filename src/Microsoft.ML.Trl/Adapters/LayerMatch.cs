using System.Text.RegularExpressions;
using Microsoft.ML.Trl.Models;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>Which layers of a model the options of an adapter mean, by PEFT's rules.</summary>
internal static class LayerMatch
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>The linear layers that get an adapter.</summary>
    /// <param name="model">Its head is never among them.</param>
    /// <param name="options">Checked.</param>
    /// <param name="isStrict">Whether every name must be that of a layer; otherwise some layer must be found.</param>
    /// <exception cref="ArgumentException">No layer is meant, or a name is that of none.</exception>
    public static IReadOnlyList<(string Path, LinearModule Layer)> Layers(DecoderModel model, LoraOptions options, bool isStrict)
    {
        ModelFamily family = model.Config.Family;
        string[] stacks = model.Encoder is null ? [family.DecoderName + "."] : [family.EncoderName + ".", family.DecoderName + "."];
        (string Path, LinearModule Layer)[] all =
            [.. model.Linears().Where(part => Array.Exists(stacks, stack => part.Name.StartsWith(stack, StringComparison.Ordinal)))];
        IReadOnlyList<string>? names = options.TargetPattern is null ? options.TargetModules ?? Usual(model) : null;
        if (isStrict)
            foreach (string name in names ?? [])
                if (name != LoraOptions.AllLinear && !Array.Exists(all, part => IsAt(part.Path, name)))
                    throw Unknown(nameof(LoraOptions.TargetModules), name, all);
        bool IsMeant(string path) => options.TargetPattern is { } pattern
            ? IsWhole(path, pattern)
            : names!.Any(name => name == LoraOptions.AllLinear || IsAt(path, name));
        (string Path, LinearModule Layer)[] found =
        [
            .. all.Where(part => IsMeant(part.Path) && options.ExcludeModules?.Any(name => IsAt(part.Path, name)) != true
                && options.ModulesToSave?.Any(name => IsBelow(part.Path, name)) != true && IsInBlocks(model, part.Path, options)),
        ];
        return found.Length > 0 ? found : throw new ArgumentException(
            $"No linear layer of the {model.Config.ModelType} model is meant by the options of the adapter; its layers are called "
            + $"{Called(all)}. Change TargetModules, TargetPattern, ExcludeModules or LayersToTransform.", nameof(options));
    }

    /// <summary>The value for a layer: that of the first pattern that its path ends with, or the common one.</summary>
    public static T Of<T>(IReadOnlyDictionary<string, T>? patterns, string path, T otherwise)
    {
        foreach ((string pattern, T value) in patterns ?? new Dictionary<string, T>())
            if (Regex.IsMatch(path, $@"^(.*\.)?(?:{pattern})$", RegexOptions.None, Patience))
                return value;
        return otherwise;
    }

    /// <summary>The parameters of the modules that are trained whole, by name.</summary>
    /// <param name="names">Of all weights of the model.</param>
    /// <param name="module">Name of the module, or the end of its path.</param>
    public static IEnumerable<string> Below(IEnumerable<string> names, string module) => names.Where(name => IsBelow(name, module));

    /// <summary>Fails where an expression is none.</summary>
    /// <exception cref="ArgumentException">It is not; the message says why.</exception>
    public static void CheckPatterns(LoraOptions options)
    {
        if (options.TargetPattern is { } target)
            Check(target, nameof(options.TargetPattern));
        foreach (string pattern in options.RankPattern?.Keys ?? [])
            Check(pattern, nameof(options.RankPattern));
        foreach (string pattern in options.AlphaPattern?.Keys ?? [])
            Check(pattern, nameof(options.AlphaPattern));
    }

    private static void Check(string pattern, string property)
    {
        try
        {
            _ = new Regex(pattern, RegexOptions.None, Patience);
        }
        catch (ArgumentException cause)
        {
            throw new ArgumentException($"{property} '{pattern}' is no regular expression: {cause.Message}", property, cause);
        }
    }

    private static IReadOnlyList<string> Usual(DecoderModel model) => model.Config.Family.AdapterTargets is { Count: > 0 } usual
        ? usual
        : throw new ArgumentException(
            $"PEFT has no usual layers for {model.Config.ModelType} models; set TargetModules, for example to '{LoraOptions.AllLinear}'.");

    private static bool IsInBlocks(DecoderModel model, string path, LoraOptions options)
    {
        if (options.LayersToTransform is not { } layers)
            return true;
        string[] parts = path[(path.IndexOf(model.Body.BlocksName + ".", StringComparison.Ordinal) + model.Body.BlocksName.Length + 1)..]
            .Split('.');
        return int.TryParse(parts[0], out int number) && layers.Contains(number);
    }

    private static bool IsWhole(string path, string pattern) => Regex.IsMatch(path, $"^(?:{pattern})$", RegexOptions.None, Patience);

    private static bool IsAt(string path, string name) => path == name || path.EndsWith("." + name, StringComparison.Ordinal);

    private static bool IsBelow(string path, string module) =>
        $".{path}.".Contains($".{module}.", StringComparison.Ordinal);

    private static ArgumentException Unknown(string property, string name, IEnumerable<(string Path, LinearModule Layer)> all) => new(
        $"{property} has '{name}', which no linear layer of the model is called; its layers are called {Called(all)}, or give "
        + $"'{LoraOptions.AllLinear}' alone.", property);

    private static string Called(IEnumerable<(string Path, LinearModule Layer)> all) =>
        string.Join(", ", all.Select(part => part.Path.Split('.')[^1]).Distinct());
}
