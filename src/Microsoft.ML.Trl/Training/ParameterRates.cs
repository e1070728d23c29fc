using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>What of a model is trained, and how fast each weight learns.</summary>
internal static class ParameterRates
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>All weights that have a gradient, each once.</summary>
    /// <param name="model">Its adapters say whose weights learn at other rates.</param>
    /// <param name="beside">Weights of a head that is no part of the model.</param>
    /// <param name="options">Layer-wise decay and multipliers of the rate.</param>
    /// <exception cref="ArgumentException">A pattern of the multipliers is that of no weight.</exception>
    public static IReadOnlyList<TrainedParameter> Of(
        DecoderModel model, IEnumerable<(string Name, Tensor Value)> beside, TrainingOptions options)
    {
        TrainedParameter[] all = [.. TrainedParameter.Of(model.Everything().Concat(beside))];
        IReadOnlyDictionary<string, double> patterns = options.LearningRateMultipliers ?? new Dictionary<string, double>();
        foreach (string pattern in patterns.Keys)
            if (!Array.Exists(all, weight => IsMeant(weight.Name, pattern)))
                throw new ArgumentException(
                    $"LearningRateMultipliers has '{pattern}', which no weight that is trained is called, nor a module that holds one; "
                    + $"the weights are called {Some(all)}.", nameof(options));
        Func<TrainedParameter, double> byLayer = ByLayer(model, options.LayerwiseLearningRateDecay);
        return
        [
            .. all.Select(weight => weight with
            {
                Rate = (model.Adapters?.RateOf(weight.Value) ?? 1) * byLayer(weight) * ByPattern(weight.Name, patterns),
            }),
        ];
    }

    /// <summary>Fails where a pattern is no regular expression, or a factor no number.</summary>
    /// <exception cref="ArgumentException">One is.</exception>
    public static void Check(IReadOnlyDictionary<string, double>? multipliers)
    {
        foreach ((string pattern, double factor) in multipliers ?? new Dictionary<string, double>())
        {
            Require.NotNegative(factor, $"LearningRateMultipliers of '{pattern}'");
            try
            {
                _ = new Regex(pattern, RegexOptions.None, Patience);
            }
            catch (ArgumentException cause)
            {
                throw new ArgumentException(
                    $"LearningRateMultipliers has '{pattern}', which is no regular expression: {cause.Message}",
                    nameof(multipliers), cause);
            }
        }
    }

    private static Func<TrainedParameter, double> ByLayer(DecoderModel model, double? decay)
    {
        if (decay is not { } factor)
            return _ => 1;
        ModelFamily family = model.Config.Family;
        List<(string Name, Decoder Stack)> stacks = [(family.DecoderName, model.Body)];
        if (model.Encoder is { } encoder)
            stacks.Add((family.EncoderName, encoder));
        var around = new Dictionary<nint, int>(); // how many blocks stand above weights that are in none
        foreach ((_, Decoder stack) in stacks)
        {
            foreach (Tensor weight in stack.LastWeights())
                around[weight.Handle] = 0;
            foreach (Tensor weight in stack.parameters().Concat(stack.Tokens.parameters()))
                around.TryAdd(weight.Handle, stack.Blocks.Count);
        }
        return weight =>
        {
            foreach ((string name, Decoder stack) in stacks)
                if (BlockOf(weight.Name, $"{name}.{stack.BlocksName}.") is { } block)
                    return Math.Pow(factor, stack.Blocks.Count - 1 - block);
            return Math.Pow(factor, around.GetValueOrDefault(weight.Value.Handle));
        };
    }

    /// <summary>Number of the block that a weight is in; null where it is in none of these.</summary>
    private static int? BlockOf(string name, string blocks) =>
        name.StartsWith(blocks, StringComparison.Ordinal) && int.TryParse(name[blocks.Length..].Split('.')[0], out int block)
            ? block : null;

    /// <summary>The factor of the first pattern that means a weight.</summary>
    private static double ByPattern(string name, IReadOnlyDictionary<string, double> patterns)
    {
        foreach ((string pattern, double factor) in patterns)
            if (IsMeant(name, pattern))
                return factor;
        return 1;
    }

    /// <summary>Whether a pattern is the end of the path of a weight, or of a module that holds it.</summary>
    private static bool IsMeant(string name, string pattern)
    {
        for (int length = name.Length; length > 0; length = name.LastIndexOf('.', length - 1))
            if (Regex.IsMatch(name[..length], $@"^(.*\.)?(?:{pattern})$", RegexOptions.None, Patience))
                return true;
        return false;
    }

    private static string Some(TrainedParameter[] all) =>
        string.Join(", ", all.Take(3).Select(weight => weight.Name)) + (all.Length > 3 ? $" and {all.Length - 3} others" : "");
}
