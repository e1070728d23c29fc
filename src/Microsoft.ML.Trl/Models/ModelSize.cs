namespace Microsoft.ML.Trl.Models;

/// <summary>How large a model is, known before anything of that size is made.</summary>
internal static class ModelSize
{
    /// <summary>Weights of a causal language model of this configuration, shared ones counted once.</summary>
    public static Int128 Of(ModelConfig config)
    {
        if (config.EncoderLayerCount > 0)
        {
            Int128 one = Count(config, 1, 1); // all blocks of a kind are alike
            return one + ((Count(config, 2, 1) - one) * (config.LayerCount - 1))
                + ((Count(config, 1, 2) - one) * (config.EncoderLayerCount - 1));
        }
        if (config.Experts is not { } experts)
            return OfLayers(config, config.LayerCount);
        int sparse = experts.SparseLayers(config.LayerCount);
        Int128 Block(ModelConfig shape) => OfLayers(shape, 2) - OfLayers(shape, 1);
        ModelConfig Sparse(int count) =>
            config with { Experts = experts with { Count = count, PerToken = 1, SparseStep = 1, DenseLayers = [] } };
        Int128 oneExpert = Block(Sparse(1)), another = Block(Sparse(2)) - oneExpert;
        return OfLayers(config with { Experts = null }, config.LayerCount - sparse)
            + (sparse * (oneExpert + (another * (experts.Count - 1))));
    }

    /// <summary>Weights of a model of so many blocks that are all alike.</summary>
    private static Int128 OfLayers(ModelConfig config, int layers)
    {
        (Int128 one, Int128 two) = (Count(config, 1), Count(config, 2));
        return one + ((two - one) * (layers - 1));
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

    private static Int128 Count(ModelConfig config, int layers, int encoderLayers = 0)
    {
        var weights = new CountedWeights();
        ModelConfig shape = config with { LayerCount = layers, EncoderLayerCount = encoderLayers, WindowedLayers = [] };
        using DecoderModel model = config.Family.IsEncoder
            ? new SequenceClassifier(shape, weights)
            : new CausalLanguageModel(shape, weights);
        return weights.Count;
    }
}
