using static Microsoft.ML.Trl.Tests.BadInputs.Samples;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>What reward modelling, DPO and PPO have of their own.</summary>
internal static class MethodOptionInputs
{
    private static readonly double[] NotPositive = [0, -1, double.NaN, double.PositiveInfinity];
    private static readonly double[] Negative = [-0.01, double.NaN, double.PositiveInfinity];
    private static readonly double[] Outside = [-0.01, 1.01, double.NaN];

    private const string Positive = "a finite number greater than 0", NotNegative = "a finite number, 0 or greater",
    Between = "between 0 and 1";

    public static IEnumerable<BadInput> All() =>
        [.. Reward(), .. DpoNumbers(), .. DpoLosses(), .. DpoContradictions(), .. PpoNumbers(), .. PpoBatches(), .. PpoContradictions()];

    private static IEnumerable<BadInput> Reward() =>
    [
        .. Negative.Select(x => Of(new RewardOptions { CenterRewardsCoefficient = x }, "CenterRewardsCoefficient", x, NotNegative)),
        Of(new RewardOptions { MaxLength = 0 }, "MaxLength", 0, "1 or greater"),
        Of(new RewardOptions { LearningRate = 0 }, "LearningRate", 0, Positive),
        Of(new RewardOptions { PerDeviceTrainBatchSize = 0 }, "PerDeviceTrainBatchSize", 0, "1 or greater"),
        Of<ArgumentException>(new RewardOptions { OutputColumnName = "" }, "OutputColumnName is empty"),
        Of<ArgumentException>(new RewardOptions { CompletionColumnName = null! }, "CompletionColumnName is empty"),
        Of<ArgumentException>(new RewardOptions { PromptColumnName = " " }, "PromptColumnName is empty"),
        Of<ArgumentException>(new RewardOptions { ChosenColumnName = null! }, "ChosenColumnName is empty"),
        Of<ArgumentException>(new RewardOptions { RejectedColumnName = "\n" }, "RejectedColumnName is empty"),
        Of<ArgumentException>(new RewardOptions { MarginColumnName = "" }, "MarginColumnName is empty", "the name of a column"),
    ];

    private static IEnumerable<BadInput> DpoNumbers() =>
    [
        .. NotPositive.Select(x => Of(new DpoOptions { Beta = x }, "Beta", x, Positive)),
        .. NotPositive.Select(x => Of(new DpoOptions { DiscopopTau = x }, "DiscopopTau", x, Positive)),
        .. Outside.Select(x => Of(new DpoOptions { RefModelMixupAlpha = x }, "RefModelMixupAlpha", x, Between)),
        .. Outside.Select(x => Of(new DpoOptions { LdAlpha = x }, "LdAlpha", x, Between)),
        .. new[] { -0.01, 0.5, double.NaN }.Select(
            x => Of(new DpoOptions { LabelSmoothing = x }, "LabelSmoothing", x, "at least 0 and below 0.5")),
        .. new[] { double.NaN, double.NegativeInfinity }.Select(
            x => Of(new DpoOptions { FAlphaDivergenceCoef = x }, "FAlphaDivergenceCoef", x, "a finite number")),
        Of(new DpoOptions { RefModelSyncSteps = 0 }, "RefModelSyncSteps", 0, "1 or greater"),
        .. Negative.Select(x => Of(new DpoOptions { RouterAuxLossCoef = x }, "RouterAuxLossCoef", x, NotNegative)),
        Of(new DpoOptions { PrecomputeRefBatchSize = 0 }, "PrecomputeRefBatchSize", 0, "1 or greater"),
        Of(new DpoOptions { MaxLength = 1 }, "MaxLength", 1, "2 or greater"),
        Of(new DpoOptions { MaxSteps = 0 }, "MaxSteps", 0, "1 or greater"),
        Of<ArgumentException>(new DpoOptions { FDivergenceType = (FDivergenceType)4 }, "FDivergenceType (4)", "ReverseKl, ForwardKl"),
        Of<ArgumentException>(new DpoOptions { OutputColumnName = null! }, "OutputColumnName is empty"),
        Of<ArgumentException>(new DpoOptions { PromptColumnName = "" }, "PromptColumnName is empty"),
        Of<ArgumentException>(new DpoOptions { ChosenColumnName = "  " }, "ChosenColumnName is empty"),
        Of<ArgumentException>(new DpoOptions { RejectedColumnName = null! }, "RejectedColumnName is empty"),
    ];

    private static IEnumerable<BadInput> DpoLosses() =>
    [
        Of<ArgumentException>(new DpoOptions { LossType = null! }, "LossType is empty", "at least one of Sigmoid, Hinge"),
        Of<ArgumentException>(new DpoOptions { LossType = [] }, "LossType is empty", "give at least one of Sigmoid"),
        Of<ArgumentException>(new DpoOptions { LossType = [(DpoLossType)15] }, "LossType (15)", "one of Sigmoid, Hinge"),
        Of<ArgumentException>(new DpoOptions { LossType = [DpoLossType.Sigmoid, (DpoLossType)(-1)] }, "LossType (-1)", "one of Sigmoid"),
        Of<ArgumentException>(new DpoOptions { LossWeights = [] }, "LossWeights has 0 numbers for 1 losses (Sigmoid)"),
        Of<ArgumentException>(new DpoOptions { LossWeights = [1, 2] }, "LossWeights has 2 numbers for 1 losses", "give one for each"),
        Of<ArgumentException>(
            new DpoOptions { LossType = [DpoLossType.Ipo, DpoLossType.Sft], LossWeights = [1] },
            "LossWeights has 1 numbers for 2 losses (Ipo, Sft)"),
        Of<ArgumentException>(new DpoOptions { LossWeights = [double.NaN] }, "LossWeights holds NaN", "finite numbers"),
        Of<ArgumentException>(new DpoOptions { LossWeights = [double.PositiveInfinity] }, "LossWeights holds Infinity", "finite numbers"),
        Of<ArgumentException>(new DpoOptions { LabelSmoothing = 0.1 }, "LabelSmoothing (0.1) has no effect on Sigmoid", "Robust, ExoPair"),
        Of<ArgumentException>(
            new DpoOptions { LossType = [DpoLossType.Ipo], LabelSmoothing = 0.2 }, "LabelSmoothing (0.2) has no effect on Ipo", "Robust"),
        Of<ArgumentException>(new DpoOptions { LossType = [DpoLossType.ExoPair] }, "LabelSmoothing is 0", "ExoPair", "set it above 0"),
    ];

    private static IEnumerable<BadInput> DpoContradictions() =>
    [
        Of<ArgumentException>(
            new DpoOptions { SyncRefModel = true, PrecomputeRefLogProbs = true }, "SyncRefModel and PrecomputeRefLogProbs contradict"),
        Of<ArgumentException>(new DpoOptions { ReferenceFree = true, SyncRefModel = true }, "ReferenceFree", "set SyncRefModel"),
        Of<ArgumentException>(
            new DpoOptions { ReferenceFree = true, PrecomputeRefLogProbs = true }, "ReferenceFree", "and PrecomputeRefLogProbs to false"),
        Of<ArgumentException>(new DpoOptions { ReferenceModel = (ReferenceKind)2 }, "ReferenceModel (2)", "Full, Int8"),
        Of<ArgumentException>(
            new DpoOptions { ReferenceModel = ReferenceKind.Int8, SyncRefModel = true }, "SyncRefModel", "ReferenceModel is Int8",
            "set SyncRefModel to false"),
        Of<ArgumentException>(
            new DpoOptions { ReferenceModel = ReferenceKind.Int8, ReferenceFree = true }, "ReferenceFree", "ReferenceModel (Int8)"),
        Of<ArgumentException>(
            new DpoOptions { Generation = new() { NumReturnSequences = 2 } },
            "NumReturnSequences (2) must be 1 for a column of completions"),
        Of<ArgumentException>(new DpoOptions { Generation = new() { TopP = 0 } }, "TopP (0)", "greater than 0 and at most 1"),
        BadInput.Of<ArgumentException>(
            "TrlCatalog.Dpo", () => Ml.Trl().Dpo(new DpoOptions { ReferenceFree = true }, reference: ModelSource.Folder("there")),
            ["A reference was given, but ReferenceFree does without one", "set it to false"]),
    ];

    private static IEnumerable<BadInput> PpoNumbers() =>
    [
        .. NotPositive.Select(x => Of(new PpoOptions { Target = x }, "Target", x, Positive)),
        .. NotPositive.Select(x => Of(new PpoOptions { Horizon = x }, "Horizon", x, Positive)),
        .. NotPositive.Select(x => Of(new PpoOptions { CliprangeValue = x }, "CliprangeValue", x, Positive)),
        .. NotPositive.Select(x => Of(new PpoOptions { TargetKl = x }, "TargetKl", x, Positive)),
        .. NotPositive.Select(x => Of(new PpoOptions { RatioThreshold = x }, "RatioThreshold", x, Positive)),
        .. NotPositive.Select(x => Of(new PpoOptions { ScoreClip = x }, "ScoreClip", x, Positive)),
        .. NotPositive.Select(x => Of(new PpoOptions { Cliprange = x }, "Cliprange", x, Positive)),
        .. Negative.Select(x => Of(new PpoOptions { InitKlCoef = x }, "InitKlCoef", x, NotNegative)),
        .. Negative.Select(x => Of(new PpoOptions { VfCoef = x }, "VfCoef", x, NotNegative)),
        .. Outside.Select(x => Of(new PpoOptions { Gamma = x }, "Gamma", x, Between)),
        .. Outside.Select(x => Of(new PpoOptions { Lam = x }, "Lam", x, Between)),
        Of(new PpoOptions { Cliprange = 1 }, "Cliprange", 1, "at least 0 and below 1"),
        .. new[] { 0, -3 }.Select(x => Of(new PpoOptions { Steps = x }, "Steps", x, "1 or greater")),
        .. new[] { 0, -1 }.Select(x => Of(new PpoOptions { PpoEpochs = x }, "PpoEpochs", x, "1 or greater")),
        Of(new PpoOptions { MiniBatchSize = 0 }, "MiniBatchSize", 0, "1 or greater"),
        Of(new PpoOptions { GradientAccumulationSteps = 0 }, "GradientAccumulationSteps", 0, "1 or greater"),
        Of(new PpoOptions { GenerationBatchSize = 0 }, "GenerationBatchSize", 0, "1 or greater"),
        Of(new PpoOptions { NumSharedLayers = -1 }, "NumSharedLayers", -1, "0 or greater"),
        Of(new PpoOptions { NumCompletionsToPrint = -1 }, "NumCompletionsToPrint", -1, "0 or greater"),
        Of(new PpoOptions { MaxGradNorm = double.NaN }, "MaxGradNorm", double.NaN, NotNegative),
        Of<ArgumentException>(new PpoOptions { KlPenalty = (KlPenalty)4 }, "KlPenalty (4)", "Kl, Abs, Mse, Full"),
        Of<ArgumentException>(new PpoOptions { OutputColumnName = "" }, "OutputColumnName is empty"),
        Of<ArgumentException>(new PpoOptions { PromptColumnName = null! }, "PromptColumnName is empty"),
        Of<ArgumentException>(new PpoOptions { ScoreColumnName = " " }, "ScoreColumnName is empty"),
    ];

    private static IEnumerable<BadInput> PpoBatches() =>
    [
        Of<ArgumentException>(new PpoOptions { BatchSize = 10, MiniBatchSize = 4 }, "BatchSize (10)", "MiniBatchSize (4)", "8 and 12"),
        Of<ArgumentException>(new PpoOptions { BatchSize = 0, MiniBatchSize = 4 }, "BatchSize (0)", "the nearest are 4 and 8"),
        Of<ArgumentException>(new PpoOptions { BatchSize = -8, MiniBatchSize = 4 }, "BatchSize (-8)", "the nearest are 4 and 8"),
        Of<ArgumentException>(
            new PpoOptions { BatchSize = 8, MiniBatchSize = 4, GradientAccumulationSteps = 4 }, "BatchSize (8)", "which is 16"),
        Of<ArgumentException>(
            new PpoOptions { MiniBatchSize = int.MaxValue, GradientAccumulationSteps = 2 }, "MiniBatchSize (2147483647)",
            "lower one of them"),
    ];

    private static IEnumerable<BadInput> PpoContradictions() =>
    [
        Of<ArgumentException>(new PpoOptions { ReferenceModel = (ReferenceKind)(-1) }, "ReferenceModel (-1)", "Full, Int8"),
        Of<ArgumentException>(
            new PpoOptions { ReferenceModel = ReferenceKind.Int8, NumSharedLayers = 1 }, "NumSharedLayers (1)", "ReferenceModel is Int8",
            "leave one of them out"),
        Of<ArgumentException>(new PpoOptions { UseScoreNorm = true }, "UseScoreNorm", "set UseScoreScaling to true"),
        Of<ArgumentNullException>(new PpoOptions { Generation = null! }, "Generation"),
        Of<ArgumentNullException>(new PpoOptions { ValueHead = null! }, "ValueHead"),
        Of<ArgumentException>(new PpoOptions { Generation = new() { NumBeams = 2 } }, "NumBeams (2) must be 1 for rollouts of PPO"),
        Of<ArgumentException>(
            new PpoOptions { Generation = new() { NumReturnSequences = 2 } }, "NumReturnSequences (2) must be 1 for rollouts of PPO"),
        Of<ArgumentException>(
            new PpoOptions { Generation = new() { Constraint = TextConstraint.Regex("a") } },
            "Constraint must be null for rollouts of PPO"),
        Of<ArgumentException>(new PpoOptions { Generation = new() { Temperature = 0 } }, "Temperature (0)", "set DoSample to false"),
        Of<ArgumentException>(
            new PpoOptions { Generation = new() { MinNewTokens = 5 }, LengthSampler = new(2, 9) }, "MinNewTokens (5)", "LengthSampler",
            "(2)"),
        .. new[] { -0.1, 1, double.NaN }.Select(
            x => Of(new PpoOptions { ValueHead = new() { SummaryDropoutProb = x } }, "SummaryDropoutProb", x, "at least 0 and below 1")),
        .. Negative.Select(x => Of(
            new PpoOptions { ValueHead = new() { VHeadInitStrategy = VHeadInitStrategy.Normal, VHeadInitializerRange = x } },
            "VHeadInitializerRange", x, NotNegative)),
        Of<ArgumentException>(
            new PpoOptions { ValueHead = new() { VHeadInitializerRange = 0.5 } }, "VHeadInitializerRange (0.5)",
            "set VHeadInitStrategy to Normal"),
        Of<ArgumentException>(
            new PpoOptions { ValueHead = new() { VHeadInitStrategy = (VHeadInitStrategy)1 } }, "VHeadInitStrategy (1)", "one of Normal"),
    ];

    private static BadInput Of(TrainingOptions options, string name, double value, string allowed) =>
        Refused<ArgumentOutOfRangeException>(
            options, [$"{name} ({BadInput.Number(value)})", allowed], $"{name} {BadInput.Number(value)}, {allowed}");

    private static BadInput Of<T>(TrainingOptions options, params string[] words)
        where T : ArgumentException => Refused<T>(options, words, string.Join(", ", words));

    private static BadInput Refused<T>(TrainingOptions options, string[] words, string name)
        where T : ArgumentException => options switch
        {
            RewardOptions reward => BadInput.Of<T>("TrlCatalog.RewardModel", () => Ml.Trl().RewardModel(reward), words, name),
            DpoOptions dpo => BadInput.Of<T>("TrlCatalog.Dpo", () => Ml.Trl().Dpo(dpo), words, name),
            PpoOptions ppo => BadInput.Of<T>("TrlCatalog.Ppo", () => Ml.Trl().Ppo(ppo), words, name),
            _ => throw new ArgumentException($"No method has {options.GetType()}.", nameof(options)),
        };
}
