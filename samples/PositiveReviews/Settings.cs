using Microsoft.ML.Trl;

namespace PositiveReviewsSample;

/// <summary>Sizes and options of one run.</summary>
internal sealed record Settings
{
    /// <summary>Tokens of the tokenizer that is trained on the reviews.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The writer's shape, given the size of its vocabulary.</summary>
    public required Func<int, ModelConfig> Model { get; init; }

    public required SftOptions Sft { get; init; }

    public required RewardOptions Reward { get; init; }

    public required PpoOptions Ppo { get; init; }

    public required DpoOptions Dpo { get; init; }

    /// <summary>Openings of the table that is printed.</summary>
    public int Shown { get; init; } = 6;

    /// <summary>How completions are drawn, in training and afterwards.</summary>
    private static GenerationOptions Generation { get; } = new() { MaxNewTokens = 20, TopP = 0.95, Seed = 1 };

    /// <summary>The data set that ships with the sample: a minute on two cores.</summary>
    public static Settings Small { get; } = new()
    {
        VocabularySize = 1024,
        Model = size => ModelConfig.Gpt2(size, hiddenSize: 96, layers: 3, heads: 4, contextLength: 128, dropout: 0),
        Sft = new()
        {
            LearningRate = 2e-3,
            NumTrainEpochs = 8,
            PerDeviceTrainBatchSize = 16,
            MaxLength = 64,
            LrSchedulerType = LrSchedulerType.Cosine,
            WarmupSteps = 40,
            TrainSamplingStrategy = TrainSamplingStrategy.GroupByLength,
            Generation = Generation,
            Seed = 1,
        },
        Reward = new()
        {
            LearningRate = 5e-4,
            NumTrainEpochs = 1,
            PerDeviceTrainBatchSize = 16,
            MaxLength = 64,
            CenterRewardsCoefficient = 0.01,
            WarmupSteps = 20,
            TrainSamplingStrategy = TrainSamplingStrategy.GroupByLength,
            Seed = 1,
        },
        Ppo = new()
        {
            Steps = 25 * 64,
            BatchSize = 64,
            MiniBatchSize = 16,
            LearningRate = 2e-4,
            InitKlCoef = 1.2,
            AdapKlCtrl = false,
            Generation = Generation,
            Seed = 1,
        },
        Dpo = new()
        {
            LearningRate = 1e-4,
            NumTrainEpochs = 6,
            PerDeviceTrainBatchSize = 16,
            MaxLength = 64,
            Generation = Generation,
            Seed = 1,
        },
    };

    /// <summary>
    /// Real reviews: minutes on a GPU, half an hour on two cores. A larger writer, and a judge with dropout that reads the pairs twice.
    /// </summary>
    public static Settings Full { get; } = Small with
    {
        VocabularySize = 4096,
        Model = size => ModelConfig.Gpt2(size, hiddenSize: 192, layers: 4, heads: 6, contextLength: 128, dropout: 0.2),
        Sft = Small.Sft with { NumTrainEpochs = 1, PerDeviceTrainBatchSize = 32 },
        Reward = Small.Reward with { LearningRate = 1e-3, NumTrainEpochs = 2, WeightDecay = 0.1, DisableDropout = false },
        Ppo = Small.Ppo with
        {
            Steps = 250 * 64,
            MiniBatchSize = 64,
            LearningRate = 5e-4,
            LrSchedulerType = LrSchedulerType.Linear,
            InitKlCoef = 0.17,
        },
        Dpo = Small.Dpo with { NumTrainEpochs = 2 },
    };

    /// <summary>The same run with less training: half a minute on two cores, and its effect still shows.</summary>
    public Settings Shortened() => this with
    {
        Sft = Sft with { MaxSteps = 300 },
        Reward = Reward with { MaxSteps = 60 },
        Ppo = Ppo with { Steps = 12 * Ppo.BatchSize },
        Dpo = Dpo with { MaxSteps = 30 },
        Shown = 2,
    };
}
