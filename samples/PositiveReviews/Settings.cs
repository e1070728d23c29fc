using Microsoft.ML.Trl;

namespace PositiveReviewsSample;

/// <summary>Sizes and options of one run.</summary>
internal sealed record Settings
{
    public required int VocabularySize { get; init; }

    public required Func<int, ModelConfig> Model { get; init; }

    public required SftOptions Sft { get; init; }

    public required RewardOptions Reward { get; init; }

    public required PpoOptions Ppo { get; init; }

    public required DpoOptions Dpo { get; init; }

    public required GenerationOptions Generation { get; init; }

    /// <summary>Openings of the table that is printed.</summary>
    public int Shown { get; init; } = 8;

    /// <summary>The data set that ships with the sample: minutes on two cores.</summary>
    public static Settings Small { get; } = For(
        vocabulary: 1024, width: 96, layers: 3, heads: 4, newTokens: 20,
        new SftOptions { LearningRate = 2e-3, NumTrainEpochs = 6, PerDeviceTrainBatchSize = 16 },
        new RewardOptions { LearningRate = 5e-4, NumTrainEpochs = 1, PerDeviceTrainBatchSize = 16 },
        ppoSteps: 40, dpoEpochs: 4);

    /// <summary>Real reviews: half an hour on two cores.</summary>
    public static Settings Full { get; } = For(
        vocabulary: 4096, width: 192, layers: 4, heads: 6, newTokens: 20,
        new SftOptions { LearningRate = 2e-3, NumTrainEpochs = 1, PerDeviceTrainBatchSize = 32 },
        new RewardOptions { LearningRate = 1e-3, NumTrainEpochs = 3, PerDeviceTrainBatchSize = 16, WeightDecay = 0.1, DisableDropout = false },
        ppoSteps: 100, dpoEpochs: 2, dropout: 0.2);

    /// <summary>The same run with next to no training, to see that it runs.</summary>
    public Settings Shortened() => this with
    {
        Sft = Sft with { MaxSteps = 60 },
        Reward = Reward with { MaxSteps = 30 },
        Ppo = Ppo with { Steps = 5 * Ppo.BatchSize },
        Dpo = Dpo with { MaxSteps = 10 },
        Shown = 4,
    };

    private static Settings For(int vocabulary, int width, int layers, int heads, int newTokens, SftOptions sft, RewardOptions reward, int ppoSteps, double dpoEpochs, double dropout = 0)
    {
        const int Context = 128, Batch = 64;
        var generation = new GenerationOptions { MaxNewTokens = newTokens, TopK = 50, Seed = 1 };
        return new Settings
        {
            VocabularySize = vocabulary,
            Model = size => ModelConfig.Gpt2(size, width, layers, heads, Context) with { ResidualDropout = dropout, EmbeddingDropout = dropout, AttentionDropout = dropout },
            Sft = sft with { Generation = generation, MaxLength = 64, LrSchedulerType = LrSchedulerType.Cosine, WarmupSteps = 40, TrainSamplingStrategy = TrainSamplingStrategy.GroupByLength, Seed = 1 },
            Reward = reward with { MaxLength = 64, CenterRewardsCoefficient = 0.01, WarmupSteps = 20, TrainSamplingStrategy = TrainSamplingStrategy.GroupByLength, Seed = 1 },
            Ppo = new PpoOptions
            {
                Steps = ppoSteps * Batch,
                BatchSize = Batch,
                MiniBatchSize = 16,
                PpoEpochs = 4,
                LearningRate = 2e-4,
                InitKlCoef = 0.1,
                Target = 6,
                Generation = generation,
                Seed = 1,
            },
            Dpo = new DpoOptions { Generation = generation, LearningRate = 1e-4, NumTrainEpochs = dpoEpochs, PerDeviceTrainBatchSize = 16, Beta = 0.1, MaxLength = 64, Seed = 1 },
            Generation = generation,
        };
    }
}
