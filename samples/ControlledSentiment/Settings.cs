using Microsoft.ML.Trl;

namespace ControlledSentimentSample;

/// <summary>Sizes and options of one run.</summary>
internal sealed record Settings
{
    /// <summary>Tokens of the tokenizer that is trained on the reviews.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The writer's shape, given the size of its vocabulary.</summary>
    public required Func<int, ModelConfig> Model { get; init; }

    public required SftOptions Sft { get; init; }

    public required TextClassificationOptions Judge { get; init; }

    public required PpoOptions Ppo { get; init; }

    /// <summary>Openings that are printed.</summary>
    public int Shown { get; init; } = 4;

    /// <summary>How completions are drawn, in training and afterwards.</summary>
    private static GenerationOptions Generation { get; } = new() { MaxNewTokens = 20, Seed = 1 };

    /// <summary>The data set that ships with the sample: a minute or two on two cores.</summary>
    public static Settings Small { get; } = new()
    {
        VocabularySize = 1024,
        Model = size => ModelConfig.Gpt2(size, hiddenSize: 96, layers: 3, heads: 4, contextLength: 128, dropout: 0),
        Sft = new()
        {
            LearningRate = 2e-3,
            NumTrainEpochs = 6,
            PerDeviceTrainBatchSize = 16,
            MaxLength = 64,
            LrSchedulerType = LrSchedulerType.Cosine,
            WarmupSteps = 40,
            TrainSamplingStrategy = TrainSamplingStrategy.GroupByLength,
            Generation = Generation,
            Seed = 1,
        },
        Judge = new()
        {
            LearningRate = 5e-4,
            NumTrainEpochs = 1,
            PerDeviceTrainBatchSize = 32,
            MaxLength = 64,
            TrainSamplingStrategy = TrainSamplingStrategy.GroupByLength,
            Seed = 1,
        },
        Ppo = new()
        {
            Steps = 40 * 64,
            BatchSize = 64,
            MiniBatchSize = 16,
            LearningRate = 3e-4,
            InitKlCoef = 0.4,
            AdapKlCtrl = false,
            Generation = Generation,
            Seed = 1,
        },
    };

    /// <summary>Real reviews: minutes on two cores. A larger writer that reads a fifth of them.</summary>
    public static Settings Full { get; } = Small with
    {
        VocabularySize = 4096,
        Model = size => ModelConfig.Gpt2(size, hiddenSize: 128, layers: 4, heads: 4, contextLength: 128, dropout: 0),
        Sft = Small.Sft with { NumTrainEpochs = 0.2, PerDeviceTrainBatchSize = 32 },
        Judge = Small.Judge with { NumTrainEpochs = 2 },
        Ppo = Small.Ppo with { Steps = 60 * 64 },
    };

    /// <summary>The same run with less training: the tags begin to matter.</summary>
    public Settings Shortened() => this with
    {
        Sft = Sft with { MaxSteps = 200 },
        Ppo = Ppo with { Steps = 22 * Ppo.BatchSize, LearningRate = 5e-4, InitKlCoef = 0.3 },
        Shown = 2,
    };
}
