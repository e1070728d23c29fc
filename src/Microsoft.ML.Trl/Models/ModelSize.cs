namespace Microsoft.ML.Trl.Models;

/// <summary>How large a model is, known before anything of that size is made.</summary>
internal static class ModelSize
{
    /// <summary>Weights of a causal language model of this configuration, shared ones counted once.</summary>
    public static Int128 Of(ModelConfig config)
    {
        int encoder = Math.Min(1, config.EncoderLayerCount); // all blocks are alike
        (Int128 one, Int128 two) = (Count(config, 1, encoder), Count(config, 2, encoder));
        Int128 weights = one + ((two - one) * (config.LayerCount - 1));
        return encoder == 0 ? weights : weights + ((Count(config, 1, 2) - one) * (config.EncoderLayerCount - 1));
    }

    /// <summary>Fails when a model with random weights cannot be made on this machine.</summary>
    /// <exception cref="ArgumentException">Its weights take more than twice the memory that is there.</exception>
    public static void RequireMemory(ModelConfig config)
    {
        Int128 weights = Of(config);
        if (!FitsMemory(weights * sizeof(float)))
            throw new ArgumentException(FormattableString.Invariant(
                $"A model of this shape has {weights:N0} weights (vocabulary {config.VocabularySize}, width {config.HiddenSize}, ")
                + FormattableString.Invariant($"layers {config.LayerCount}), {Gigabytes(weights * sizeof(float))} in float32, ")
                + $"but {MemoryText}; give smaller sizes.",
                nameof(config));
    }

    /// <summary>Such as <c>this machine has 16.0 GB of memory</c>.</summary>
    public static string MemoryText => FormattableString.Invariant($"this machine has {Memory / 1e9:N1} GB of memory");

    private static long Memory => GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;

    /// <summary>Whether so much memory may be asked for at all.</summary>
    public static bool FitsMemory(Int128 bytes) =>
        bytes <= 2 * (Int128)Memory; // twice: the runtime may count a part of the memory only, and some more may be swapped out

    /// <summary>Such as <c>1,234 GB</c>.</summary>
    public static string Gigabytes(Int128 bytes) => FormattableString.Invariant($"{bytes / 1_000_000_000:N0} GB");

    /// <summary>A size that follows from another one; the largest possible where it would be beyond that.</summary>
    public static int Saturated(long size) => (int)Math.Min(int.MaxValue, size);

    private static Int128 Count(ModelConfig config, int layers, int encoderLayers)
    {
        var weights = new CountedWeights();
        ModelConfig shape = config with { LayerCount = layers, EncoderLayerCount = encoderLayers, WindowedLayers = [] };
        using DecoderModel model = config.Family.IsEncoder
            ? new SequenceClassifier(shape, weights)
            : new CausalLanguageModel(shape, weights);
        return weights.Count;
    }
}
