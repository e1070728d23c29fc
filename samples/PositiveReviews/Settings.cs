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

    public required GrpoOptions Grpo { get; init; }

    public required RlooOptions Rloo { get; init; }

    public required OnlineDpoOptions OnlineDpo { get; init; }

    public required RaftOptions Raft { get; init; }

    public required KtoOptions Kto { get; init; }

    /// <summary>DPO where several pairs are made of each opening.</summary>
    public required DpoOptions DpoFromMany { get; init; }

    /// <summary>Openings that methods are compared on and not trained on.</summary>
    public int HeldOpenings { get; init; } = 64;

    /// <summary>Completions of each of them that are measured.</summary>
    public int DrawsPerOpening { get; init; } = 4;

    /// <summary>Openings that they are trained on, at most.</summary>
    public int LearnedOpenings { get; init; } = 1024;

    /// <summary>Completions of each of these that the judge sees while a method trains, where methods are compared.</summary>
    public int TriesPerOpening { get; init; } = 16;

    /// <summary>Completions that best-of-n lets the judge choose from.</summary>
    public int BestOf { get; init; } = 4;

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
        DpoFromMany = new()
        {
            LearningRate = 2e-4,
            NumTrainEpochs = 3,
            PerDeviceTrainBatchSize = 16,
            MaxLength = 64,
            Generation = Generation,
            Seed = 1,
        },
        Grpo = new()
        {
            LearningRate = 2e-4,
            LrSchedulerType = LrSchedulerType.Constant,
            NumGenerations = 8,
            PerDeviceTrainBatchSize = 16,
            GenerationBatchSize = 64,
            NumIterations = 4,
            Beta = 0.3,
            LoggingSteps = 16, // each generation
            Generation = Generation,
            Seed = 1,
        },
        Rloo = new()
        {
            LearningRate = 2e-4,
            LrSchedulerType = LrSchedulerType.Constant,
            NumGenerations = 4,
            PerDeviceTrainBatchSize = 16,
            GenerationBatchSize = 64,
            NumIterations = 4,
            Beta = 1,
            NormalizeAdvantages = true,
            LoggingSteps = 16,
            Generation = Generation,
            Seed = 1,
        },
        OnlineDpo = new()
        {
            LearningRate = 3e-4,
            LrSchedulerType = LrSchedulerType.Constant,
            PerDeviceTrainBatchSize = 16,
            Beta = [0.3],
            MaxLength = 64,
            LoggingSteps = 2,
            Generation = Generation,
            Seed = 1,
        },
        Raft = new()
        {
            LearningRate = 3e-4,
            NumTrainEpochs = 3,
            PerDeviceTrainBatchSize = 16,
            RaftBatchSize = 64,
            TopRewardPercentage = 0.25,
            CollectionStrategy = CollectionStrategy.Local,
            OutputMinLength = 20,
            OutputMaxLength = 21,
            InferenceBatchSizePerDevice = 64,
            Generation = Generation,
            Seed = 1,
        },
        Kto = new()
        {
            LearningRate = 2e-4,
            NumTrainEpochs = 2,
            PerDeviceTrainBatchSize = 16,
            MaxLength = 64,
            TrainSamplingStrategy = TrainSamplingStrategy.Random,
            Generation = Generation,
            Seed = 1,
        },
    };

    /// <summary>
    /// Real reviews: minutes on a GPU, three quarters of an hour on two cores. A larger writer, and a judge with dropout that reads the
    /// pairs twice. Rates are lower than in a short run: so many completions at those lead the writer to say the same to everything.
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
        Grpo = Small.Grpo with { LrSchedulerType = LrSchedulerType.Linear, Beta = 0.2, DisableDropout = true },
        Rloo = Small.Rloo with { LrSchedulerType = LrSchedulerType.Linear, Beta = 0.15, DisableDropout = true },
        OnlineDpo = Small.OnlineDpo with { LearningRate = 4e-4, PerDeviceTrainBatchSize = 8, LoggingSteps = 4 },
        DpoFromMany = Small.DpoFromMany with { LearningRate = 5e-4 },
        Raft = Small.Raft with { LearningRate = 5e-5, NumTrainEpochs = 4, TopRewardPercentage = 0.125 },
        Kto = Small.Kto with { LearningRate = 5e-4 },
        HeldOpenings = 256,
        DrawsPerOpening = 1,
        TriesPerOpening = 8,
    };

    /// <summary>The same with every method trained until the judge has seen so many completions.</summary>
    public Settings Judging(int completions) => this with
    {
        Ppo = Ppo with { Steps = completions },
        Grpo = Grpo with { MaxSteps = completions * Grpo.NumIterations / Grpo.PerDeviceTrainBatchSize },
        Rloo = Rloo with { MaxSteps = completions * Rloo.NumIterations / Rloo.PerDeviceTrainBatchSize },
        OnlineDpo = OnlineDpo with { MaxSteps = completions / 2 / OnlineDpo.PerDeviceTrainBatchSize },
        Raft = Raft with { NumRaftIteration = (int)(completions * Raft.TopRewardPercentage / Raft.RaftBatchSize) },
    };

    /// <summary>The same run with less training: half a minute on two cores, and its effect still shows.</summary>
    public static Settings SmallQuick { get; } = Small.Shortened(sftSteps: 300, rewardSteps: 60, triesPerOpening: 4);

    /// <summary>
    /// Real reviews with the small model and little training: some minutes on two cores. Prices of KL are such that the methods end about
    /// as far from the writer, some 5 nats per completion.
    /// </summary>
    public static Settings FullQuick { get; } = (Full with
    {
        VocabularySize = 2048,
        Model = Small.Model,
        Sft = Small.Sft,
        Reward = Small.Reward with { LearningRate = 1e-3 },
        Ppo = Full.Ppo with { InitKlCoef = 0.05 },
        Grpo = Full.Grpo with { LearningRate = 5e-4, Beta = 0.1 },
        Rloo = Full.Rloo with { LearningRate = 5e-4, Beta = 0.05 },
        OnlineDpo = Full.OnlineDpo with { LearningRate = 8e-4, Beta = [0.2] },
        Raft = Full.Raft with { LearningRate = 3e-4 },
        HeldOpenings = 128,
        DrawsPerOpening = 2,
    }).Shortened(sftSteps: 500, rewardSteps: 500, triesPerOpening: 8);

    private Settings Shortened(int sftSteps, int rewardSteps, int triesPerOpening) => this with
    {
        Sft = Sft with { MaxSteps = sftSteps },
        Reward = Reward with { MaxSteps = rewardSteps },
        Ppo = Ppo with { Steps = 12 * Ppo.BatchSize },
        Dpo = Dpo with { MaxSteps = 30 },
        LearnedOpenings = 256,
        TriesPerOpening = triesPerOpening,
        Shown = 2,
    };
}
