namespace Microsoft.ML.Trl.Planning;

/// <summary>The forward and backward pass of each method that takes most: the one with the longest row.</summary>
internal static class Passes
{
    /// <summary>Numbers of the pass.</summary>
    /// <param name="options">Checked.</param>
    /// <param name="lengths">Of the texts.</param>
    /// <param name="config">Of the model.</param>
    /// <param name="isCpu">Whether it runs on the CPU.</param>
    public static PassShape Training(TrainingOptions options, TextLengths lengths, ModelConfig config, bool isCpu)
    {
        long rows = Rows(options);
        bool isPaddingFree = options is SftOptions { ReadsPaddingFree: true } or DpoOptions { PaddingFree: true };
        long tokens = isPaddingFree ? lengths.Longest + (long)((rows - 1) * lengths.Mean) : rows * lengths.Longest;
        if (options is SftOptions { Packing: true } packed)
            tokens = rows * Math.Min(packed.MaxLength!.Value, config.ContextLength);
        if (config.IsEncoderDecoder)
            tokens /= 2; // the encoder reads the prompts, the decoder the answers
        double share = lengths.Labels / lengths.Mean;
        long labels = options is RewardOptions or TextClassificationOptions ? rows : (long)Math.Min(tokens, tokens * share);
        bool isNarrow = MemoryHabits.IsNarrow(options);
        bool drops = options.DropsInTraining && config.Dropout > 0;
        return new PassShape(
            tokens, lengths.Longest, rows, labels, isNarrow, isNarrow && isCpu, drops,
            options.DropsInTraining && options.Peft is { LoraDropout: > 0 });
    }

    /// <summary>Rows of a pass; of pairs both sides.</summary>
    public static long Rows(TrainingOptions options) => options switch
    {
        PpoOptions ppo => ppo.MiniBatchSize,
        RewardOptions or DpoOptions => 2L * ((EpochOptions)options).PerDeviceTrainBatchSize,
        _ => ((EpochOptions)options).PerDeviceTrainBatchSize,
    };

    /// <summary>Passes of a step, backward ones included; of PPO those of all its epochs.</summary>
    public static double PerStep(TrainingOptions options) => options switch
    {
        PpoOptions ppo => (double)ppo.PpoEpochs * ppo.BatchSize / ppo.MiniBatchSize,
        _ => ((EpochOptions)options).GradientAccumulationSteps,
    };
}
