using Microsoft.ML.Trl;

namespace StackLlamaSample;

/// <summary>Options of the stages; those of the adapters are StackLLaMA's.</summary>
internal sealed record Settings
{
    private const int MaxLength = 160;

    /// <summary>
    /// The base, where none is given: it has read questions, better answers and worse ones, and answers in either way.
    /// </summary>
    public required SftOptions Pretraining { get; init; }

    public required SftOptions Sft { get; init; }

    public required RewardOptions Reward { get; init; }

    public required PpoOptions Ppo { get; init; }

    private static GenerationOptions Generation { get; } = new() { MaxNewTokens = 32, TopK = 0 };

    /// <summary>Every stage trains an adapter of its own and nothing else; its base is in memory once.</summary>
    public static Settings Full { get; } = new()
    {
        Pretraining = new() { MaxLength = MaxLength, LearningRate = 2e-3, NumTrainEpochs = 8, LoggingSteps = 64 },
        Sft = new()
        {
            CompletionColumnName = "Chosen",
            MaxLength = MaxLength,
            LearningRate = 2e-3,
            NumTrainEpochs = 5,
            LoggingSteps = 16,
            Generation = Generation,
            Peft = new LoraOptions { R = 16, LoraAlpha = 32, LoraDropout = 0.05, TargetModules = [LoraOptions.AllLinear] },
        },
        Reward = new()
        {
            MaxLength = MaxLength,
            LearningRate = 2e-3,
            NumTrainEpochs = 3,
            LoggingSteps = 10,
            Peft = new LoraOptions { R = 8, LoraAlpha = 32, LoraDropout = 0.1 },
        },
        Ppo = new()
        {
            Steps = 30 * 32,
            BatchSize = 32,
            MiniBatchSize = 8,
            LearningRate = 4e-4,
            LoggingSteps = 5,
            Generation = Generation,
            Peft = new LoraOptions { R = 16, LoraAlpha = 32, LoraDropout = 0.05, TargetModules = [LoraOptions.AllLinear] },
        },
    };

    /// <summary>The same with next to no training, to see that it runs.</summary>
    public Settings Shortened() => this with
    {
        Pretraining = Pretraining with { NumTrainEpochs = 1 },
        Reward = Reward with { NumTrainEpochs = 1 },
        Ppo = Ppo with { Steps = 2 * Ppo.BatchSize },
    };
}
