using Microsoft.ML.Trl.Models;

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
        bool isPaddingFree = IsPaddingFree(options) == true;
        long tokens = isPaddingFree ? lengths.Longest + (long)((rows - 1) * lengths.Mean) : rows * lengths.Longest;
        if (options is SftOptions { Packing: true } packed)
            tokens = rows * Math.Min(packed.MaxLength!.Value, config.ContextLength);
        if (config.IsEncoderDecoder)
            tokens /= 2; // the encoder reads the prompts, the decoder the answers
        double share = lengths.Labels / lengths.Mean;
        long labels = options is RewardOptions or TextClassificationOptions ? rows : (long)Math.Min(tokens, tokens * share);
        (long prompts, long spared) = Shared(options, lengths, config);
        bool isNarrow = MemoryHabits.IsNarrow(options);
        bool drops = options.DropsInTraining && config.Dropout > 0;
        return new PassShape(
            tokens - spared, lengths.Longest, rows, labels, isNarrow, isNarrow && isCpu, drops,
            options.DropsInTraining && options.Peft is { LoraDropout: > 0 })
        {
            IsInParts = (isPaddingFree || prompts > 0) && !config.IsEncoderDecoder,
            Keys = tokens + prompts,
        };
    }

    /// <summary>Whether rows are read without padding; null where a method has no such option.</summary>
    public static bool? IsPaddingFree(TrainingOptions options) => options switch
    {
        SftOptions sft => sft.ReadsPaddingFree,
        PreferenceOptions preferences => preferences.PaddingFree,
        GroupOptions groups => groups.PaddingFree,
        RaftOptions raft => raft.PaddingFree,
        TextDistillationOptions texts => texts.PaddingFree,
        _ => null,
    };

    /// <summary>Rows of a pass; of pairs both sides.</summary>
    public static long Rows(TrainingOptions options) => options switch
    {
        PpoOptions ppo => ppo.MiniBatchSize,
        _ when IsOfPairs(options) => 2L * ((EpochOptions)options).PerDeviceTrainBatchSize,
        _ => ((EpochOptions)options).PerDeviceTrainBatchSize,
    };

    /// <summary>Passes of a step, backward ones included; of PPO those of all its epochs.</summary>
    public static double PerStep(TrainingOptions options) => options switch
    {
        PpoOptions ppo => (double)ppo.PpoEpochs * ppo.BatchSize / ppo.MiniBatchSize,
        _ => ((EpochOptions)options).GradientAccumulationSteps,
    };

    /// <summary>Whether a pass reads two answers to each prompt.</summary>
    private static bool IsOfPairs(TrainingOptions options) => options is RewardOptions or (PreferenceOptions and not UnpairedOptions)
        or (OnlinePairOptions and not NashMdOptions);

    /// <summary>Prompts that several rows of a pass begin with and that are read once.</summary>
    /// <returns>Their tokens, and those that need not be read, both 0 where none is shared.</returns>
    private static (long Prompts, long Spared) Shared(TrainingOptions options, TextLengths lengths, ModelConfig config)
    {
        if (lengths.Prompt < Datasets.TextParts.LeastShared || config.IsEncoderDecoder || CountsRouters(options, config))
            return (0, 0);
        long rows = Rows(options), prompts = options switch
        {
            RewardOptions => rows, // it has no prompts, but whole texts
            GroupOptions groups => Math.Min(rows, rows * groups.PassesPerGeneration / groups.NumGenerations), // rows are shuffled
            _ => IsOfPairs(options) ? rows / 2 : rows,
        };
        return prompts == rows ? (0, 0) : ((long)(prompts * lengths.Prompt), (long)((rows - prompts) * lengths.Prompt));
    }

    /// <summary>Whether experts are balanced by what the rows choose of them, for which each is read as a whole.</summary>
    private static bool CountsRouters(TrainingOptions options, ModelConfig config) => options switch
    {
        PreferenceOptions preferences => new AuxiliaryLoss(config, preferences.RouterAuxLossCoef).IsCounted,
        GroupOptions groups => new AuxiliaryLoss(config, groups.RouterAuxLossCoef).IsCounted,
        _ => false,
    };
}
