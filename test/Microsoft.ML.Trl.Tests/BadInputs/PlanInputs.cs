using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Plans: options, models and data that no run could begin with; and averages of weights.</summary>
internal static class PlanInputs
{
    private const string Plan = "TrlCatalog.Plan";

    private static readonly PpoOptions Short = new() { Steps = 4, BatchSize = 4, MiniBatchSize = 4, Generation = Tiny.Greedy };

    private static TrlCatalog Trl => Samples.Ml.Trl();

    private static IDataView Rows => Samples.Ml.Data.LoadFromEnumerable(Tiny.Pairs);

    public static IEnumerable<BadInput> All() => [.. Plans(), .. Averages()];

    private static IEnumerable<BadInput> Plans() =>
    [
        Null(Plan, "options", () => Trl.Plan((SftOptions)null!, Tiny.Source())),
        Null(Plan, "options", () => Trl.Plan((DpoOptions)null!, Tiny.Source())),
        Null(Plan, "options", () => Trl.Plan((RewardOptions)null!, Tiny.Source())),
        Null(Plan, "options", () => Trl.Plan((PpoOptions)null!, Tiny.Source())),
        Null(Plan, "options", () => Trl.Plan((TextClassificationOptions)null!, Tiny.Source())),
        Null(Plan, "options", () => Trl.Plan((DistillOptions)null!, Tiny.Source(), Tiny.Source())),
        Null(Plan, "options", () => Trl.Plan((GkdOptions)null!, Tiny.Source(), Tiny.Source())),
        Null(Plan, "options", () => Trl.Plan((MiniLlmOptions)null!, Tiny.Source(), Tiny.Source())),
        Null(Plan, "source", () => Trl.Plan(new GkdOptions(), null!, Tiny.Source())),
        Null(Plan, "teacher", () => Trl.Plan(new GkdOptions(), Tiny.Source(), (ModelSource)null!)),
        Of<ArgumentException>(
            Plan, () => Trl.Plan(new DistillOptions(), Tiny.Source(), TinyT5.Source()), ["teacher"]),
        Null(Plan, "options", () => Trl.Plan((PrmOptions)null!, Tiny.Source())),
        Null(Plan, "options", () => Trl.Plan((KtoOptions)null!, Tiny.Source())),
        Null(Plan, "options", () => Trl.Plan((BcoOptions)null!, Tiny.Source())),
        Null(Plan, "options", () => Trl.Plan((CpoOptions)null!, Tiny.Source())),
        Null(Plan, "options", () => Trl.Plan((OrpoOptions)null!, Tiny.Source())),
        Null(Plan, "options", () => Trl.Plan((GrpoOptions)null!, Tiny.Source())),
        Null(Plan, "options", () => Trl.Plan((RlooOptions)null!, Tiny.Source())),
        Null(Plan, "options", () => Trl.Plan((OnlineDpoOptions)null!, Tiny.Source())),
        Null(Plan, "options", () => Trl.Plan((XpoOptions)null!, Tiny.Source())),
        Null(Plan, "options", () => Trl.Plan((NashMdOptions)null!, Tiny.Source())),
        Null(Plan, "options", () => Trl.Plan((RaftOptions)null!, Tiny.Source())),
        Null(Plan, "source", () => Trl.Plan(new SftOptions(), null!)),
        Of<ArgumentOutOfRangeException>(Plan, () => Trl.Plan(new DpoOptions { Beta = 0 }, Tiny.Source()), ["Beta (0)", "greater than 0"]),
        Of<ArgumentException>(
            Plan, () => Trl.Plan(Short with { BatchSize = 3 }, Tiny.Source()), ["BatchSize (3)", "multiple of MiniBatchSize (4)"]),
        Of<ArgumentException>(
            Plan, () => Trl.Plan(new GrpoOptions { PerDeviceTrainBatchSize = 3 }, Tiny.Source()),
            ["NumGenerations (8)", "PerDeviceTrainBatchSize (3)"]),
        Of<ArgumentException>(
            Plan, () => Trl.Plan(new OnlineDpoOptions { Generation = new() { MaxNewTokens = 0 } }, Tiny.Source()), ["MaxNewTokens (0)"]),
        Of<NotSupportedException>(
            Plan, () => Trl.Plan(new OrpoOptions { PaddingFree = true }, TinyT5.Source()), ["PaddingFree", "t5", "set it to false"]),
        Of<DirectoryNotFoundException>(
            Plan, () => Trl.Plan(new SftOptions(), ModelSource.Folder("/no/such/folder")), ["'/no/such/folder'", "give the path"]),
        Of<NotSupportedException>(Plan, () => Trl.Plan(new RewardOptions(), TinyT5.Source()), ["t5", "is not supported as a reward model"]),
        Of<ArgumentException>(
            Plan, () => Trl.Plan(new SftOptions { Peft = new() { TargetModules = ["q"] } }, Tiny.Source()), ["'q'", "c_attn"]),
        Of<InvalidOperationException>(
            Plan, () => Trl.Plan(new SftOptions { GpuDeviceId = 99 }, Tiny.Source()), ["GPU 99", "libtorch sees"]),
        Of<ArgumentOutOfRangeException>(
            Plan, () => Trl.Plan(new DpoOptions { ChosenColumnName = "Best" }, Tiny.Source(), Rows), ["'Best'", "chosen"]),
    ];

    private static IEnumerable<BadInput> Averages() =>
    [
        Average("UpdateFreq", new() { UpdateFreq = 0 }, "1 or greater"),
        Average("UpdateAfter", new() { UpdateAfter = -1 }, "0 or greater"),
        Average("Lag", new() { Lag = -1 }, "0 or greater"),
        Average("EmaPower", new() { EmaPower = double.NaN }, "a finite number, 0 or greater"),
        Average("BiasPower", new() { BiasPower = -0.1 }, "a finite number, 0 or greater"),
        Average("Multiplier", new() { Multiplier = double.PositiveInfinity }, "a finite number, 0 or greater"),
        Average("MinEmaMultiplier", new() { MinEmaMultiplier = 1.5 }, "between 0 and 1"),
        Average("EmaDecay", new() { EmaDecay = 1 }, "at least 0 and below 1"),
        Of<ArgumentException>(
            "TrlCatalog.Sft", () => Trl.Sft(Tiny.Source(), new() { WeightAveraging = new() { Lag = 0, Multiplier = 0 } }),
            ["Lag (0) and Multiplier (0)", "at least 1"]),
        Of<ArgumentException>(
            "SftTrainer.Fit", () => Trl.Sft(Tiny.Source(), new() { WeightAveraging = new() }).Fit(Rows),
            ["UpdateFreq (400)", "the run has 3 steps"]),
        Of<ArgumentException>(
            "TrlCatalog.Ppo", () => Trl.Ppo(Tiny.Source(), null, Short with { WeightAveraging = new() }), ["the run has 1 steps"]),
        Of<NotSupportedException>(
            "SftTrainer.Fit", () => Trl.Sft(TinyT5.Source(), new() { PaddingFree = true, MaxSteps = 1 }).Fit(Rows),
            ["PaddingFree", "t5", "set it to false"]),
        Of<NotSupportedException>(
            "DpoTrainer.Fit", () => Trl.Dpo(TinyT5.Source(), new() { PaddingFree = true, MaxSteps = 1 }).Fit(Rows),
            ["PaddingFree", "t5", "set it to false"]),
    ];

    private static BadInput Average(string name, WeightAveragingOptions averaging, string allowed) => Of<ArgumentOutOfRangeException>(
        "TrlCatalog.Sft", () => Trl.Sft(Tiny.Source(), new() { WeightAveraging = averaging }), [$"{name} (", allowed],
        $"WeightAveraging {name}");
}
