using Microsoft.ML.Trl;

namespace PreferencesSample;

/// <summary>Sizes and options of one run.</summary>
internal sealed record Settings
{
    private const int ContextLength = 192;

    /// <summary>Tokens of the tokenizer that is trained on the rows.</summary>
    public required int VocabularySize { get; init; }

    public required SftOptions Sft { get; init; }

    public required RewardOptions Reward { get; init; }

    public required PpoOptions Ppo { get; init; }

    public required DpoOptions Dpo { get; init; }

    /// <summary>The writer's shape: small enough for two cores.</summary>
    public static ModelConfig Model(int vocabularySize) =>
        ModelConfig.Gpt2(vocabularySize, hiddenSize: 128, layers: 3, heads: 4, ContextLength, dropout: 0);

    private static GenerationOptions Generation { get; } = new() { MaxNewTokens = 24, TopK = 50 };

    /// <summary>The rows that ship with the sample: seconds.</summary>
    public static Settings Small { get; } = new()
    {
        VocabularySize = 512,
        Sft = new()
        {
            CompletionColumnName = "Chosen",
            MaxLength = ContextLength,
            LearningRate = 1e-3,
            NumTrainEpochs = 20,
            Generation = Generation,
        },
        Reward = new()
        {
            MaxLength = ContextLength,
            LearningRate = 3e-4,
            NumTrainEpochs = 2,
            CenterRewardsCoefficient = 0.01,
        },
        Ppo = new()
        {
            Steps = 15 * 32,
            BatchSize = 32,
            MiniBatchSize = 8,
            LearningRate = 1e-4,
            Generation = Generation,
        },
        Dpo = new()
        {
            MaxLength = ContextLength,
            LearningRate = 5e-5,
            NumTrainEpochs = 2,
            LoggingSteps = 5,
        },
    };

    /// <summary>Real dialogues.</summary>
    public static Settings Full { get; } = Small with
    {
        VocabularySize = 2048,
        Sft = Small.Sft with { NumTrainEpochs = 2 },
        Dpo = Small.Dpo with { LoggingSteps = 25 },
    };

    /// <summary>The same run with next to no training, to see that it runs.</summary>
    public Settings Shortened() => this with
    {
        Sft = Sft with { NumTrainEpochs = 1 },
        Ppo = Ppo with { Steps = 2 * Ppo.BatchSize },
        Dpo = Dpo with { NumTrainEpochs = 0.25 },
    };
}
