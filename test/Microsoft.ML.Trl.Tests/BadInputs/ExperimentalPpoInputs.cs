using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>PPO with a value model of its own: options, models and rewards that do not fit.</summary>
internal static class ExperimentalPpoInputs
{
    private const string Made = "TrlCatalog.ExperimentalPpo", Fit = "ExperimentalPpoTrainer.Fit";
    private const string Schema = "ExperimentalPpoTrainer.GetOutputSchema";

    private static readonly ExperimentalPpoOptions Short = new() { PerDeviceTrainBatchSize = 4, MaxSteps = 1 };

    private static TrlCatalog Trl => Ml.Trl();

    private static IDataView Rows => Ml.Data.LoadFromEnumerable(Tiny.Pairs);

    private static RewardFunction One { get; } = RewardFunction.Of((_, _) => 1);

    public static IEnumerable<BadInput> All() => [.. Numbers(), .. Contradictions(), .. Arguments(), .. Models()];

    private static IEnumerable<BadInput> Numbers()
    {
        double[] notPositive = [0, -1, double.NaN, double.PositiveInfinity], negative = [-0.01, double.NaN], outside = [-0.01, 1.01];
        return
        [
            .. notPositive.Select(x => Number(Short with { Cliprange = x }, "Cliprange", x)),
            .. notPositive.Select(x => Number(Short with { CliprangeValue = x }, "CliprangeValue", x)),
            .. notPositive.Select(x => Number(Short with { MissingEosPenalty = x }, "MissingEosPenalty", x)),
            .. negative.Select(x => Number(Short with { KlCoef = x }, "KlCoef", x)),
            .. negative.Select(x => Number(Short with { VfCoef = x }, "VfCoef", x)),
            .. outside.Select(x => Number(Short with { Gamma = x }, "Gamma", x)),
            .. outside.Select(x => Number(Short with { Lam = x }, "Lam", x)),
            Number(Short with { Cliprange = 1 }, "Cliprange", 1),
            Number(Short with { NumMiniBatches = 0 }, "NumMiniBatches", 0),
            Number(Short with { TotalEpisodes = 0 }, "TotalEpisodes", 0),
            Number(Short with { LocalRolloutForwardBatchSize = 0 }, "LocalRolloutForwardBatchSize", 0),
            Number(Short with { NumSampleGenerations = -1 }, "NumSampleGenerations", -1),
            Number(Short with { NumCompletionsToPrint = -1 }, "NumCompletionsToPrint", -1),
            Number(Short with { NumPpoEpochs = 0 }, "NumPpoEpochs", 0),
            Number(Short with { PerDeviceTrainBatchSize = 0 }, "PerDeviceTrainBatchSize", 0),
        ];
    }

    private static IEnumerable<BadInput> Contradictions() =>
    [
        Options(Short with { NumMiniBatches = 3 }, "NumMiniBatches (3) must divide", "(4)", "= 4"),
        Options(Short with { PerDeviceTrainBatchSize = 1 }, "is 1 rows per step", "must lie between 2"),
        Options(Short with { PerDeviceTrainBatchSize = int.MaxValue, GradientAccumulationSteps = 2 }, "is 4294967294 rows per step"),
        Options(Short with { KlEstimator = KlEstimator.K2 }, "KlEstimator (K2) must be one of K1, K3"),
        Options(Short with { KlEstimator = (KlEstimator)3 }, "KlEstimator (3) must be one of K1, K3"),
        Options(Short with { ReferenceModel = (ReferenceKind)9 }, "ReferenceModel (9)", "Full, Int8"),
        Options(Short with { NeftuneNoiseAlpha = 5 }, "NeftuneNoiseAlpha (5) has no meaning", "Leave it null"),
        Options(Short with { TrainSamplingStrategy = TrainSamplingStrategy.GroupByLength }, "GroupByLength has no meaning here"),
        Options(Short with { Generation = Tiny.Greedy }, "DoSample of Generation must be true"),
        Options(Short with { Generation = new() { NumBeams = 2 } }, "NumBeams (2) must be 1 for rollouts of PPO"),
        Options(Short with { OutputColumnName = "" }, "OutputColumnName is empty"),
        Options(Short with { PromptColumnName = " " }, "PromptColumnName is empty"),
        Options(Short with { ScoreColumnName = "" }, "ScoreColumnName is empty"),
        Options(Short with { OptimizerInBackward = true }, "OptimizerInBackward", "set MaxGradNorm to 0"),
        Of<ArgumentNullException>(Made, () => Trl.ExperimentalPpo(Short with { Generation = null! }), ["Generation"]),
    ];

    private static IEnumerable<BadInput> Arguments() =>
    [
        Null(Made, "source", () => Trl.ExperimentalPpo((ModelSource)null!, One)),
        Null(Made, "reward", () => Trl.ExperimentalPpo((RewardFunction)null!, Short)),
        Null(Made, "score", () => Trl.ExperimentalPpo((Func<string, string, double>)null!, Short)),
        Null(Made, "score", () => Trl.ExperimentalPpo((Func<RewardRow, double>)null!, Short)),
        Null(Made, "rewardModel", () => Trl.ExperimentalPpo(Tiny.Source(), (ModelSource)null!)),
        Null(Fit, "input", () => Trl.ExperimentalPpo(Tiny.Source(), One, Short).Fit(null!)),
        Null(Schema, "inputSchema", () => Trl.ExperimentalPpo(Tiny.Source(), One, Short).GetOutputSchema(null!)),
        Of<ArgumentOutOfRangeException>(
            Fit, () => Trl.ExperimentalPpo(Tiny.Source(), One, Short with { PromptColumnName = "Q" }).Fit(Rows),
            ["prompt column 'Q'", "Set PromptColumnName"]),
        Of<ArgumentOutOfRangeException>(
            Schema, () => Chained(Trl.ExperimentalPpo(Tiny.Source(), One, Short with { PromptColumnName = "Q" })), ["prompt column 'Q'"]),
    ];

    private static IEnumerable<BadInput> Models()
    {
        ModelSource scoring = ModelSource.FromModel(Reward);
        TextTokenizer foreign = BpeTrainer.Train(["other words of another text"], 300);
        ModelSource other = ModelSource.New(ModelConfig.Gpt2(foreign.VocabularySize, 16, 2, 2, 32), foreign);
        return
        [
            Of<InvalidOperationException>(
                Fit, () => Trl.ExperimentalPpo(One, Short).Fit(Rows), ["Experimental PPO has no model to start from"]),
            Of<InvalidOperationException>(
                Fit, () => Trl.ExperimentalPpo(Tiny.Source(), null, Short).Fit(Rows), ["Experimental PPO has no reward"]),
            Of<InvalidOperationException>(Schema, () => Chained(Trl.ExperimentalPpo(One, Short)), ["no model to start from"]),
            Of<InvalidOperationException>(Schema, () => Chained(Trl.ExperimentalPpo(Tiny.Source(), null, Short)), ["has no reward"]),
            Of<ArgumentException>(Fit, () => Trl.ExperimentalPpo(scoring, One, Short).Fit(Rows), ["holds a reward model"]),
            Of<ArgumentException>(
                Fit, () => Trl.ExperimentalPpo(Tiny.Source(), Tiny.Source(), Short).Fit(Rows),
                ["holds a language model", "give a reward model"]),
            Of<ArgumentException>(
                Fit, () => Trl.ExperimentalPpo(Tiny.Source(), One, Short, other).Fit(Rows),
                ["The value model has another tokenizer than the policy", "give a valueModel"]),
            Of<NotSupportedException>(
                Fit, () => Trl.ExperimentalPpo(TinyT5.Source(), One, Short).Fit(Rows), ["t5 model"]),
            Of<DirectoryNotFoundException>(
                Fit, () => Trl.ExperimentalPpo(Tiny.Source(), One, Short, ModelSource.Folder("/no/such/folder")).Fit(Rows),
                ["'/no/such/folder'"]),
        ];
    }

    private static BadInput Number(ExperimentalPpoOptions options, string name, double value) => Of<ArgumentOutOfRangeException>(
        Made, () => Trl.ExperimentalPpo(options), [$"{name} ({BadInput.Number(value)})"], $"{name} {BadInput.Number(value)}");

    private static BadInput Options(ExperimentalPpoOptions options, params string[] words) =>
        Of<ArgumentException>(Made, () => Trl.ExperimentalPpo(options), words, string.Join(", ", words));

    /// <summary>A pipeline asks each stage for its columns before it fits the first.</summary>
    private static void Chained(ExperimentalPpoTrainer stage) => Ml.Transforms.CopyColumns("Copy", "Prompt").Append(stage).Fit(Rows);
}
