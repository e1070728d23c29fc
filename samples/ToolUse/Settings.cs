using Microsoft.ML.Trl;

namespace ToolUseSample;

/// <summary>Sizes and options of one run.</summary>
internal sealed record Settings
{
    /// <summary>Conversations that SFT learns from.</summary>
    public required int Talks { get; init; }

    /// <summary>Questions that are held out.</summary>
    public required int Held { get; init; }

    /// <summary>Tokens of the tokenizer that is trained on the conversations.</summary>
    public int VocabularySize { get; init; } = 384;

    /// <summary>The assistant's shape, given the size of its vocabulary.</summary>
    public required Func<int, ModelConfig> Model { get; init; }

    public required SftOptions Sft { get; init; }

    public required GrpoOptions Grpo { get; init; }

    /// <summary>Questions that are printed with their answers.</summary>
    public int Shown { get; init; } = 3;

    /// <summary>How answers are drawn, in training and afterwards.</summary>
    private static GenerationOptions Generation { get; } = new() { MaxNewTokens = 96, Seed = 1 };

    /// <summary>Two minutes on two cores.</summary>
    public static Settings Full { get; } = new()
    {
        Talks = 16000,
        Held = 100,
        // drawn wider than GPT-2's 0.02: so narrow a network finds out sooner then that digits are to be copied
        Model = size => ModelConfig.Gpt2(size, hiddenSize: 64, layers: 2, heads: 4, contextLength: 1024, dropout: 0)
            with { InitializerRange = 0.1 },
        Sft = new()
        {
            LearningRate = 4e-3,
            NumTrainEpochs = 1,
            PerDeviceTrainBatchSize = 16,
            MaxLength = 160,
            LrSchedulerType = LrSchedulerType.Cosine,
            WarmupSteps = 40,
            AssistantOnlyLoss = true,
            Conversations = new(),
            Generation = Generation,
            Seed = 1,
        },
        Grpo = new()
        {
            Tools = [Calculator.Tool],
            MaxToolCallingIterations = ToolUse.MostRounds,
            Conversations = new(),
            RewardWeights = [1, 0.25], // a right answer, and a call that was understood
            MaxSteps = 160,
            NumGenerations = 8,
            PerDeviceTrainBatchSize = 64,
            StepsPerGeneration = 2, // 128 completions at once: 16 questions, 8 answers to each
            LearningRate = 1e-3,
            Generation = Generation,
            Seed = 1,
        },
    };

    /// <summary>The same run with less training: its effect still shows.</summary>
    public Settings Shortened() => this with
    {
        Talks = 5000,
        Held = 50,
        Grpo = Grpo with { MaxSteps = 40, PerDeviceTrainBatchSize = 32 },
        Shown = 2,
    };
}
