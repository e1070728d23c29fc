using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>RAFT, the best of several samples, and pictures of curves.</summary>
internal static class RaftInputs
{
    private static readonly StepReport Report = new("RAFT", 1, 1, new Dictionary<string, double> { ["reward"] = 1 }, 0, TimeSpan.Zero);

    private static TrlCatalog Trl => Ml.Trl();

    private static IDataView Rows => Ml.Data.LoadFromEnumerable(Tiny.Pairs);

    private static RewardFunction One => RewardFunction.Of((_, _) => 1);

    private static RaftOptions Short => new() { NumRaftIteration = 1, RaftBatchSize = 1, TopRewardPercentage = 1 };

    public static IEnumerable<BadInput> All() => [.. Numbers(), .. Texts(), .. Stages(), .. BestOfN(), .. Estimators(), .. Curves()];

    private static IEnumerable<BadInput> Numbers() =>
    [
        Option(new() { NumRaftIteration = 0 }, "NumRaftIteration", 0, "1 or greater"),
        Option(new() { RaftBatchSize = 0 }, "RaftBatchSize", 0, "1 or greater"),
        .. new[] { 0, -0.5, double.NaN }.Select(
            x => Option(new() { TopRewardPercentage = x }, "TopRewardPercentage", x, "a finite number greater than 0")),
        Option(new() { TopRewardPercentage = 1.5 }, "TopRewardPercentage", 1.5, "lie between 0 and 1"),
        Option<ArgumentException>(
            new() { TopRewardPercentage = 0.6, CollectionStrategy = CollectionStrategy.Local },
            "TopRewardPercentage (0.6) must be 0.5 or less"),
        Option<ArgumentException>(
            new() { TopRewardPercentage = 1e-9 }, "RaftBatchSize (1024) over TopRewardPercentage (1E-09) is more than 2147483647"),
        Option<ArgumentException>(new() { CollectionStrategy = (CollectionStrategy)2 }, "CollectionStrategy (2)", "Top, Local"),
        Option<ArgumentException>(new() { MaxSteps = 5 }, "MaxSteps (5) has no meaning in RAFT", "NumRaftIteration"),
        Option(new() { OutputMinLength = 0 }, "OutputMinLength", 0, "1 or greater"),
        Option<ArgumentException>(new() { OutputMaxLength = 64 }, "OutputMaxLength (64) must be greater than OutputMinLength (64)"),
        Option(new() { InferenceBatchSizePerDevice = 0 }, "InferenceBatchSizePerDevice", 0, "1 or greater"),
        Option(new() { MaxPromptLength = 0 }, "MaxPromptLength", 0, "1 or greater"),
        Option(new() { MinCompletionCharacters = -1 }, "MinCompletionCharacters", -1, "0 or greater"),
        Option(new() { RewardWeights = [double.NaN] }, "RewardWeights", double.NaN, "a finite number"),
        Option(new() { RouterAuxLossCoef = -1 }, "RouterAuxLossCoef", -1, "a finite number, 0 or greater"),
        Option(new() { NumCompletionsToPrint = -1 }, "NumCompletionsToPrint", -1, "0 or greater"),
    ];

    private static IEnumerable<BadInput> Texts() =>
    [
        Option<ArgumentException>(new() { TurnMarker = " " }, "TurnMarker is empty", "or null"),
        Option<ArgumentException>(new() { OutputDir = "" }, "OutputDir is empty", "null to write nothing"),
        Option<ArgumentException>(new() { OutputRewardPath = " " }, "OutputRewardPath is empty", "null to write nothing"),
        Option<ArgumentException>(new() { OutputColumnName = " " }, "OutputColumnName is empty"),
        Option<ArgumentException>(new() { PromptColumnName = "" }, "PromptColumnName is empty"),
        Option<ArgumentException>(new() { ScoreColumnName = "" }, "ScoreColumnName is empty"),
        Option<ArgumentNullException>(new() { Generation = null! }, "Generation"),
        Option<ArgumentException>(new() { Generation = new() { NumReturnSequences = 2 } }, "NumReturnSequences (2) must be 1 for RAFT"),
        Option<ArgumentException>(
            new() { Generation = new() { MinNewTokens = 65, MaxNewTokens = 70 } },
            "MinNewTokens of Generation (65) must not be more than OutputMinLength (64)"),
        Option<ArgumentException>(
            new() { Generation = new() { DoSample = false }, CollectionStrategy = CollectionStrategy.Local }, "DoSample of Generation"),
    ];

    private static IEnumerable<BadInput> Stages() =>
    [
        Null("TrlCatalog.Raft", "source", () => Trl.Raft((ModelSource)null!)),
        Null("TrlCatalog.Raft", "reward", () => Trl.Raft((RewardFunction)null!)),
        Null("TrlCatalog.Raft", "score", () => Trl.Raft((Func<string, string, double>)null!)),
        Null("TrlCatalog.Raft", "score", () => Trl.Raft((Func<RewardRow, double>)null!)),
        Null("TrlCatalog.Raft", "rewards", () => Trl.Raft((IReadOnlyList<RewardFunction>)null!)),
        Of<ArgumentException>("TrlCatalog.Raft", () => Trl.Raft(Tiny.Source(), []), ["no reward function", "at least one"]),
        Of<ArgumentException>(
            "TrlCatalog.Raft", () => Trl.Raft([One], Short with { RewardWeights = [1, 2] }), ["RewardWeights has 2 numbers for 1"]),
        Null("RaftTrainer.Fit", "input", () => Trl.Raft(Tiny.Source(), [One]).Fit(null!)),
        Null("RaftTrainer.GetOutputSchema", "inputSchema", () => Trl.Raft(Tiny.Source(), [One]).GetOutputSchema(null!)),
        Of<InvalidOperationException>("RaftTrainer.Fit", () => Trl.Raft(One).Fit(Rows), ["RAFT has no model to start from"]),
        Of<InvalidOperationException>(
            "RaftTrainer.Fit", () => Trl.Raft(Tiny.Source()).Fit(Rows), ["RAFT has no reward", "RewardModel stage"]),
        Of<InvalidOperationException>(
            "RaftTrainer.GetOutputSchema", () => Ml.Transforms.CopyColumns("Q", "Prompt").Append(Trl.Raft(Tiny.Source())).Fit(Rows),
            ["RAFT has no reward"]),
        Of<ArgumentOutOfRangeException>(
            "RaftTrainer.Fit", () => Trl.Raft(Tiny.Source(), [One], Short with { PromptColumnName = "Q" }).Fit(Rows),
            ["Schema mismatch for prompt column 'Q'"]),
        Of<ArgumentException>(
            "RaftTrainer.Fit", () => Trl.Raft(Tiny.Source(), [One], Short with { MaxPromptLength = 1 }).Fit(Rows.Long()),
            ["None of the 1 rows", "more tokens than MaxPromptLength"]),
        Of<InvalidOperationException>(
            "RaftTrainer.Fit", () => Trl.Raft(Tiny.Source(), [One], Short with { MinCompletionCharacters = 999 }).Fit(Rows),
            ["None of 1 completions can be learnt", "MinCompletionCharacters is 999"]),
        Of<IOException>(
            "RaftTrainer.Fit", () => InFolder([("file", "")], folder => Trl.Raft(
                Tiny.Source(), [One], Short with { OutputDir = Path.Combine(folder, "file") }).Fit(Rows)), ["file"], "a file in the place"),
        Of<RewardFunctionException>(
            "RaftTrainer.Fit", () => Trl.Raft(Tiny.Source(), [RewardFunction.Of((_, _) => double.NaN)], Short).Fit(Rows), ["gave NaN"]),
    ];

    private static IEnumerable<BadInput> BestOfN() =>
    [
        Of<ArgumentOutOfRangeException>("BestOfNSampler.KlBound", () => BestOfNSampler.KlBound(0), ["sampleSize (0)", "1 or greater"]),
        Null("BestOfNSampler.GenerateWithMetrics", "prompts", () => Sampler(One).GenerateWithMetrics(null!)),
        Null("TrlCatalog.BestOfN", "model", () => Trl.BestOfN(null!, [One])),
        Null("TrlCatalog.BestOfN", "rewards", () => Trl.BestOfN(Language, null!)),
        Of<ArgumentException>("TrlCatalog.BestOfN", () => Trl.BestOfN(Language, []), ["no reward function"]),
        Of<ArgumentException>(
            "TrlCatalog.BestOfN", () => Trl.BestOfN(Language, [RewardFunction.Of<Tiny.PromptRow>((_, _) => 1)]), ["column 'Prompt'"]),
        Of<ArgumentException>("TrlCatalog.BestOfN", () => Trl.BestOfN(Language, [One], null, null, 2, 3), ["nCandidates (3)"]),
        Of<RewardFunctionException>(
            "BestOfNSampler.GenerateWithMetrics",
            () => Sampler(RewardFunction.Of((string _, string _) => (double?)null)).GenerateWithMetrics(["a"]),
            ["Outside of training no reward applies to completion 0"]),
        Of<ArgumentOutOfRangeException>(
            "TextGenerationTransformer.BestOf", () => Generator(new()).BestOf(0), ["sampleSize (0)", "1 or greater"]),
        Of<ArgumentException>(
            "TextGenerationTransformer.BestOf", () => Generator(Tiny.Greedy).BestOf(2), ["sampleSize is 2", "DoSample is false"]),
        Of<InvalidOperationException>(
            "TextGenerationTransformer.Transform", () => Generator(new()).BestOf(2).Transform(Rows),
            ["The best of 2 completions", "no reward model is upstream"]),
    ];

    private static IEnumerable<BadInput> Estimators()
    {
        GrpoOptions plus = GrpoOptions.ReinforcePlusPlus;
        return
        [
            Group<ArgumentException>(
                new() { AdvantageEstimator = (AdvantageEstimator)4 }, "AdvantageEstimator (4)", "Group, ReinforcePlusPlus"),
            Group<ArgumentException>(plus with { KlEstimator = (KlEstimator)3 }, "KlEstimator (3)", "K1, K2, K3"),
            Group<ArgumentOutOfRangeException>(
                GrpoOptions.ReinforcePlusPlusBaseline with { NumGenerations = 1 }, "NumGenerations (1) must be 2 or greater"),
            Group<ArgumentException>(
                plus with { ImportanceSamplingLevel = ImportanceSamplingLevel.Sequence },
                "ImportanceSamplingLevel (Sequence) must be Token"),
            Group<ArgumentException>(
                plus with { LossType = GrpoLossType.Vespo }, "AdvantageEstimator ReinforcePlusPlus", "LossType Vespo weighs whole"),
            Group<ArgumentException>(
                GrpoOptions.ReMax with { MultiObjectiveAggregation = MultiObjectiveAggregation.NormalizeThenSum }, "SumThenNormalize"),
            Group<ArgumentException>(plus with { UseKlLoss = true }, "KlEstimator K1", "use K2 or K3"),
        ];
    }

    private static IEnumerable<BadInput> Curves() =>
    [
        Null("CurvePicture.Svg", "reports", () => CurvePicture.Svg(null!, "loss")),
        Null("CurvePicture.Svg", "metrics", () => CurvePicture.Svg([], null!)),
        Of<ArgumentException>("CurvePicture.Svg", () => CurvePicture.Svg([Report]), ["No metric is named"]),
        Of<ArgumentException>("CurvePicture.Svg", () => CurvePicture.Svg([Report], "loss"), ["the metric 'loss'", "reports have reward"]),
    ];

    private static BadInput Group<T>(GrpoOptions options, params string[] words) where T : ArgumentException =>
        BadInput.Of<T>("TrlCatalog.Grpo", () => Trl.Grpo(One, options), words, string.Join(", ", words));

    private static BestOfNSampler Sampler(RewardFunction reward) => Trl.BestOfN(Language, [reward], sampleSize: 1);

    private static TextGenerationTransformer Generator(GenerationOptions options) =>
        Trl.TextGeneration(ModelSource.FromModel(Language), options).Fit(Rows);

    private static IDataView Long(this IDataView rows) => Ml.Data.TakeRows(Ml.Data.SkipRows(rows, 3), 1);

    private static BadInput Option(RaftOptions options, string name, double value, string allowed) =>
        Option<ArgumentOutOfRangeException>(options, $"{name} ({Number(value)}) must", allowed);

    private static BadInput Option<T>(RaftOptions options, params string[] words) where T : ArgumentException =>
        BadInput.Of<T>("TrlCatalog.Raft", () => Trl.Raft(One, options), words, string.Join(", ", words));
}
