using Microsoft.ML.Trl;

namespace DetoxSample;

/// <summary>Sizes and options of one run.</summary>
internal sealed record Settings
{
    /// <summary>Tokens of the tokenizer that is trained on the texts.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>The writer's shape, given the size of its vocabulary.</summary>
    public required Func<int, ModelConfig> Model { get; init; }

    public required SftOptions Sft { get; init; }

    public required GrpoOptions Grpo { get; init; }

    /// <summary>Remarks that are printed with their replies.</summary>
    public int Shown { get; init; } = 4;

    /// <summary>How replies are drawn, in training and afterwards.</summary>
    private static GenerationOptions Generation { get; } = new() { MaxNewTokens = 24, Seed = 1 };

    /// <summary>The data set that ships with the sample: a minute on two cores.</summary>
    public static Settings Small { get; } = new()
    {
        VocabularySize = 512,
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
        Grpo = new()
        {
            RewardWeights = [-1], // the reward is rudeness
            MaxSteps = 60,
            NumGenerations = 8,
            PerDeviceTrainBatchSize = 32,
            StepsPerGeneration = 2, // 64 completions at once: 8 remarks, 8 replies to each
            NumIterations = 2,
            LearningRate = 1e-3,
            Beta = 0.2,
            Generation = Generation,
            Peft = new LoraOptions { R = 16, LoraAlpha = 32, TargetModules = [LoraOptions.AllLinear] },
            Seed = 1,
        },
    };

    /// <summary>Real text: minutes on two cores. A larger writer that reads a fifth of it.</summary>
    public static Settings Full { get; } = Small with
    {
        VocabularySize = 4096,
        Model = size => ModelConfig.Gpt2(size, hiddenSize: 128, layers: 4, heads: 4, contextLength: 128, dropout: 0),
        Sft = Small.Sft with { NumTrainEpochs = 0.2, PerDeviceTrainBatchSize = 32 },
        Grpo = Small.Grpo with { MaxSteps = 100 },
    };

    /// <summary>The same run with less training: its effect still shows.</summary>
    public Settings Shortened() => this with
    {
        Sft = Sft with { MaxSteps = 200 },
        Grpo = Grpo with { MaxSteps = 40 },
        Shown = 2,
    };
}
