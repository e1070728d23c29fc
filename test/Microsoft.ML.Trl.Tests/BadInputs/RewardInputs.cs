using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Names of rewards, what they tell, and those that are made by rules.</summary>
internal static class RewardInputs
{
    private const string Console = "RewardFunction.FromConsole", Reasoning = "RewardFunctions.ReasoningAccuracy";

    private static readonly RewardFunction One = RewardFunction.Of(_ => 1.0);
    private static readonly RewardRow Row = Asked.Row("text");

    public static IEnumerable<BadInput> All() => [.. Rewards(), .. Rules(), .. Cosine()];

    private static IEnumerable<BadInput> Rewards() =>
    [
        Null("RewardFunction.Named", "name", () => One.Named(null!)),
        Of<ArgumentException>("RewardFunction.Named", () => One.Named(" "), ["name of a reward is empty", "rewards/length/mean"]),
        Null("RewardFunction.Of", "score", () => RewardFunction.Of((Func<RewardRow, double?>)null!)),
        Null("RewardFunction.Of", "score", () => RewardFunction.Of((Func<string, string, double?>)null!)),
        Null(
            "RewardFunction.OfBatch", "score",
            () => RewardFunction.OfBatch((Func<IReadOnlyList<RewardRow>, IReadOnlyList<double?>>)null!)),
        Null("RewardFunction.OfAsync", "score", () => RewardFunction.OfAsync((Func<RewardRow, CancellationToken, Task<double?>>)null!)),
        Of<ArgumentOutOfRangeException>(
            "RewardFunction.OfAsync", () => RewardFunction.OfAsync((_, _) => Task.FromResult<double?>(null), 0), ["atOnce (0)"]),
        Of<ArgumentException>(Console, () => RewardFunction.FromConsole(2, 1), ["lowest (2) must be below highest (1)"]),
        Of<ArgumentOutOfRangeException>(Console, () => RewardFunction.FromConsole(double.NaN), ["lowest (NaN)", "finite number"]),
        Of<ArgumentOutOfRangeException>(Console, () => RewardFunction.FromConsole(0, 1 / 0.0), ["highest (Infinity)", "finite number"]),
        Null("RewardRow.LogExtra", "column", () => Row.LogExtra(null!, 1)),
        Of<ArgumentException>("RewardRow.LogExtra", () => Row.LogExtra("", 1), ["column"]),
        Null("RewardRow.LogMetric", "name", () => Row.LogMetric(null!, 1)),
        Of<ArgumentException>("RewardRow.LogMetric", () => Row.LogMetric(" ", 1), ["name"]),
        Of<ArgumentOutOfRangeException>("RewardRow.LogMetric", () => Row.LogMetric("a", double.NaN), ["value (NaN)", "finite number"]),
    ];

    private static IEnumerable<BadInput> Rules() =>
    [
        Of<ArgumentException>("RewardFunctions.Accuracy", () => RewardFunctions.Accuracy(""), ["solutionColumnName is empty"]),
        Of<ArgumentException>(Reasoning, () => RewardFunctions.ReasoningAccuracy(null!), ["solutionColumnName is empty"]),
        Of<ArgumentException>(Reasoning, () => RewardFunctions.ReasoningAccuracy("S", []), ["reasoningDelimiters is empty", "</think>"]),
        Of<ArgumentException>(Reasoning, () => RewardFunctions.ReasoningAccuracy("S", [""]), ["reasoningDelimiters", "an empty text"]),
        Of<ArgumentOutOfRangeException>(
            "RewardFunctions.RepetitionPenalty", () => RewardFunctions.RepetitionPenalty(0), ["ngramSize (0)", "1 or greater"]),
        Of<ArgumentOutOfRangeException>(
            "RewardFunctions.RepetitionPenalty", () => RewardFunctions.RepetitionPenalty(2, 0.5), ["maxPenalty (0.5)", "and 0"]),
        Of<ArgumentOutOfRangeException>(
            "RewardFunctions.SoftOverlongPunishment", () => RewardFunctions.SoftOverlongPunishment(0, 0), ["maxCompletionLen (0)"]),
        Of<ArgumentOutOfRangeException>(
            "RewardFunctions.SoftOverlongPunishment", () => RewardFunctions.SoftOverlongPunishment(5, 6),
            ["softPunishCache (6)", "between 0 and 5"]),
    ];

    private static IEnumerable<BadInput> Cosine()
    {
        const string member = "RewardFunctions.CosineScaled";
        return
        [
            Of<ArgumentOutOfRangeException>(member, () => RewardFunctions.CosineScaled(0), ["maxLen (0)", "1 or greater"]),
            Of<ArgumentOutOfRangeException>(member, () => RewardFunctions.CosineScaled(1, double.NaN), ["minValueWrong (NaN)"]),
            Of<ArgumentOutOfRangeException>(member, () => RewardFunctions.CosineScaled(1, 0, double.NaN), ["maxValueWrong (NaN)"]),
            Of<ArgumentOutOfRangeException>(member, () => RewardFunctions.CosineScaled(1, 0, 0, 1 / 0.0), ["minValueCorrect (Infinity)"]),
            Of<ArgumentOutOfRangeException>(
                member, () => RewardFunctions.CosineScaled(1, 0, 0, 0, -1 / 0.0), ["maxValueCorrect (-Infinity)"]),
            Of<ArgumentException>(member, () => RewardFunctions.CosineScaled(1, solutionColumnName: " "), ["solutionColumnName is empty"]),
        ];
    }
}
