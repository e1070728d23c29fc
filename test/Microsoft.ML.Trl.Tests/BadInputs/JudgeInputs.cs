using Microsoft.ML.Trl.Tests.TestSupport;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Judges of pairs, ranks and conditions: what they are made of, what they are asked, what they answer.</summary>
internal static class JudgeInputs
{
    private const string Pair = "PairwiseJudge.", Rank = "RankJudge.", Binary = "BinaryJudge.";

    private static readonly PairwiseJudge First = PairwiseJudge.Of((_, _, _) => 0);

    private static readonly RankJudge Ranks = RankJudge.Of((_, completions) => [.. Enumerable.Range(0, completions.Count)]);

    private static readonly BinaryJudge Always = BinaryJudge.Of((_, _, _) => 1);

    public static IEnumerable<BadInput> All() => [.. Made(), .. Asked(), .. Answered(), .. OtherJudges()];

    private static IEnumerable<BadInput> Made() =>
    [
        Null(Pair + "Of", "judge", () => PairwiseJudge.Of((Func<string, string, string, int>)null!)),
        Null(Pair + "Of", "judge", () => PairwiseJudge.Of((Func<RewardRow, RewardRow, int>)null!)),
        Null(Pair + "OfProbability", "judge", () => PairwiseJudge.OfProbability(null!)),
        Null(Pair + "OfAsync", "judge", () => PairwiseJudge.OfAsync((Func<string, string, string, CancellationToken, Task<int>>)null!)),
        Null(Pair + "OfAsync", "judge", () => PairwiseJudge.OfAsync((Func<RewardRow, RewardRow, CancellationToken, Task<int>>)null!)),
        Of<ArgumentOutOfRangeException>(
            Pair + "OfAsync", () => PairwiseJudge.OfAsync((_, _, _, _) => Task.FromResult(0), 0), ["atOnce (0)", "1 or greater"]),
        Null(Pair + "FromChatClient", "judge", () => PairwiseJudge.FromChatClient(null!)),
        Of<ArgumentOutOfRangeException>(
            Pair + "FromChatClient", () => PairwiseJudge.FromChatClient(new AnsweringClient(_ => "A"), atOnce: -1),
            ["atOnce (-1)", "1 or greater"]),
        Null(Pair + "FromReward", "reward", () => PairwiseJudge.FromReward(null!)),
        Null(Pair + "FromRanks", "judge", () => PairwiseJudge.FromRanks(null!)),
        Null(Pair + "FromBinary", "judge", () => PairwiseJudge.FromBinary(null!)),
        Null(Rank + "Of", "rank", () => RankJudge.Of(null!)),
        Null(Rank + "OfAsync", "rank", () => RankJudge.OfAsync(null!)),
        Of<ArgumentOutOfRangeException>(
            Rank + "OfAsync", () => RankJudge.OfAsync((_, _, _) => Task.FromResult<IReadOnlyList<int>>([]), 0), ["atOnce (0)"]),
        Null(Binary + "Of", "judge", () => BinaryJudge.Of(null!)),
        Null(Binary + "OfAsync", "judge", () => BinaryJudge.OfAsync(null!)),
        Of<ArgumentOutOfRangeException>(
            Binary + "OfAsync", () => BinaryJudge.OfAsync((_, _, _, _) => Task.FromResult(1), 0), ["atOnce (0)"]),
        Null(Binary + "AllTrue", "judges", () => BinaryJudge.AllTrue((IReadOnlyList<BinaryJudge>)null!)),
        Of<ArgumentException>(Binary + "AllTrue", () => BinaryJudge.AllTrue(), ["no judge", "at least one"]),
        Of<ArgumentException>(Binary + "AllTrue", () => BinaryJudge.AllTrue(Always, null!), ["One of the judges is null", "leave it out"]),
    ];

    private static IEnumerable<BadInput> Asked() =>
    [
        Null(Pair + "Judge", "prompts", () => First.Judge(null!, [("a", "b")])),
        Null(Pair + "Judge", "completions", () => First.Judge(["p"], null!)),
        Of<ArgumentException>(
            Pair + "Judge", () => First.Judge(["p", "q"], [("a", "b")]), ["completions has 1 entries for 2 prompts", "one for each"]),
        Null(Pair + "Probabilities", "prompts", () => First.Probabilities(null!, [("a", "b")])),
        Of<ArgumentException>(
            Pair + "Probabilities", () => First.Probabilities([], [("a", "b")]), ["completions has 1 entries for 0 prompts"]),
        Of<NotSupportedException>(
            Pair + "Judge", () => PairwiseJudge.FromReward(RewardFunction.Of((_, _) => 1)).Judge(["p"], [("a", "b")]),
            ["asks a reward function", "PairwiseJudge.Of"]),
        Of<OperationCanceledException>(
            Pair + "Judge",
            () => PairwiseJudge.OfAsync((_, _, _, cancel) => Task.FromCanceled<int>(cancel)).Judge(["p"], [("a", "b")], new(true)), []),
    ];

    private static IEnumerable<BadInput> Answered() =>
    [
        Of<InvalidOperationException>(
            Pair + "Judge", () => PairwiseJudge.Of((_, _, _) => 2).Judge(["p"], [("a", "b")]), ["The judge gave 2", "-1 where"]),
        Of<InvalidOperationException>(
            Pair + "Judge", () => PairwiseJudge.Of((_, _, _) => -2).Judge(["p"], [("a", "b")]), ["The judge gave -2", "0 where"]),
        .. new[] { -0.1, 1.1, double.NaN }.Select(x => Of<InvalidOperationException>(
            Pair + "Probabilities", () => PairwiseJudge.OfProbability((_, _, _) => x).Probabilities(["p"], [("a", "b")]),
            [$"The judge gave {Number(x)}", "between 0 and 1, or be null"], Number(x))),
        Of<InvalidOperationException>(
            Pair + "Judge",
            () => PairwiseJudge.OfAsync((string _, string _, string _, CancellationToken _) => null!).Judge(["p"], [("a", "b")]),
            ["gave null", "a task"]),
    ];

    private static IEnumerable<BadInput> OtherJudges() =>
    [
        Null(Rank + "Rank", "prompts", () => Ranks.Rank(null!, [["a"]])),
        Null(Rank + "Rank", "completions", () => Ranks.Rank(["p"], null!)),
        Of<ArgumentException>(Rank + "Rank", () => Ranks.Rank(["p"], []), ["completions has 0 entries for 1 prompts"]),
        Of<ArgumentException>(Rank + "Rank", () => Ranks.Rank(["p"], [null!]), ["completions of prompt 0 are null", "give a list"]),
        .. new int[][] { [0], [0, 0], [1, 2], [0, 1, 2] }.Select(places => Of<InvalidOperationException>(
            Rank + "Rank", () => RankJudge.Of((_, _) => places).Rank(["p"], [["a", "b"]]),
            [$"of prompt 0 as [{string.Join(", ", places)}]", "from 0 to 1 once"], string.Join(", ", places))),
        Of<InvalidOperationException>(
            Rank + "Rank", () => RankJudge.Of((_, _) => null!).Rank(["p"], [["a"]]), ["of prompt 0 as null", "from 0 to 0 once"]),
        Null(Binary + "Judge", "prompts", () => Always.Judge(null!, ["a"])),
        Null(Binary + "Judge", "completions", () => Always.Judge(["p"], null!)),
        Of<ArgumentException>(Binary + "Judge", () => Always.Judge(["p"], []), ["completions has 0 entries for 1 prompts"]),
        Of<ArgumentException>(Binary + "Judge", () => Always.Judge(["p"], ["a"], []), ["goldCompletions has 0 entries for 1 prompts"]),
        Of<InvalidOperationException>(
            Binary + "Judge", () => BinaryJudge.Of((_, _, _) => 3).Judge(["p"], ["a"]), ["The judge gave 3", "1 where", "-1 where"]),
    ];
}
