namespace Microsoft.ML.Trl.Models;

/// <summary>How large a model is, known before anything of that size is made.</summary>
internal static class ModelSize
{
    /// <summary>Weights of a causal language model of this configuration, shared ones counted once.</summary>
    public static Int128 Of(ModelConfig config)
    {
        (Int128 one, Int128 two) = (Count(config, 1), Count(config, 2)); // all blocks are alike
        return one + ((two - one) * (config.LayerCount - 1));
    }

    /// <summary>Fails when a model with random weights cannot be made on this machine.</summary>
    /// <exception cref="ArgumentException">Its weights take more than twice the memory that is there.</exception>
    public static void RequireMemory(ModelConfig config)
    {
        (Int128 weights, long memory) = (Of(config), GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);
        // Twice: the runtime may count a part of the memory only, and some more may be swapped out.
        if (weights * sizeof(float) > 2 * (Int128)memory)
            throw new ArgumentException(FormattableString.Invariant(
                $"A model of this shape has {weights:N0} weights (vocabulary {config.VocabularySize}, width {config.HiddenSize}, ")
                + FormattableString.Invariant($"layers {config.LayerCount}), {weights * sizeof(float) / 1_000_000_000:N0} GB in float32, ")
                + FormattableString.Invariant($"but this machine has {memory / 1e9:N1} GB of memory; give smaller sizes."),
                nameof(config));
    }

    /// <summary>A size that follows from another one; the largest possible where it would be beyond that.</summary>
    public static int Saturated(long size) => (int)Math.Min(int.MaxValue, size);

    private static Int128 Count(ModelConfig config, int layers)
    {
        var weights = new CountedWeights();
        using var model = new CausalLanguageModel(config with { LayerCount = layers, WindowedLayers = [] }, weights);
        return weights.Count;
    }
}
