namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>A function of one pair after the other.</summary>
internal sealed class PairFunctionJudge(Func<AnswerPair, double?> judge) : PairwiseJudge
{
    internal override BoundJudge Bind(RewardContext? context) => (pairs, _) => new PairVerdicts([.. pairs.Select(judge)]);
}

/// <summary>A function that is awaited, for several pairs at once.</summary>
internal sealed class AsyncPairJudge(Func<RewardRow, RewardRow, CancellationToken, Task<int>> judge, int atOnce) : PairwiseJudge
{
    internal override BoundJudge Bind(RewardContext? context) => (pairs, cancel) =>
    {
        int[] verdicts = ConcurrentCalls.Run(
            pairs.Count, atOnce, (row, token) => judge(pairs[row].First, pairs[row].Second, token), cancel);
        return new PairVerdicts(Array.ConvertAll(verdicts, Verdict.Of));
    };
}

/// <summary>A function of the texts of all pairs.</summary>
internal sealed class TextsJudge(
    Func<IReadOnlyList<string>, IReadOnlyList<(string First, string Second)>, CancellationToken, IReadOnlyList<double?>> judge)
    : PairwiseJudge
{
    internal override BoundJudge Bind(RewardContext? context) => (pairs, cancel) => new PairVerdicts(judge(
        [.. pairs.Select(pair => pair.First.Prompt)], [.. pairs.Select(pair => (pair.First.Completion, pair.Second.Completion))], cancel));
}

/// <summary>Compares what a reward function gives.</summary>
internal sealed class RewardPairJudge(RewardFunction reward) : PairwiseJudge
{
    internal override bool GivesScores => true;

    internal override void Check(MLContext ml, DataViewSchema data) => reward.Check(ml, data);

    internal override BoundJudge Bind(RewardContext? context)
    {
        var group = new RewardGroup([reward], context ?? throw new NotSupportedException(
            "This judge asks a reward function, which may read tokens and columns of a run; outside of training give a judge of texts, "
            + "such as PairwiseJudge.Of or .FromChatClient, or compare the scores of the reward yourself."));
        return (pairs, cancel) =>
        {
            if (pairs.Count == 0)
                return new PairVerdicts([], []);
            RewardRow[] rows = [.. pairs.Select(pair => pair.First), .. pairs.Select(pair => pair.Second)];
            IReadOnlyList<double?> scores = group.Score(rows, cancel).GetAwaiter().GetResult().Columns[0];
            return Verdict.OfScores([.. Enumerable.Range(0, pairs.Count).Select(row => (scores[row], scores[pairs.Count + row]))]);
        };
    }
}

/// <summary>From what judges give to probabilities that the first of two is better, and back.</summary>
internal static class Verdict
{
    /// <summary>Of a place: 0, 1 or -1.</summary>
    /// <exception cref="InvalidOperationException">It is another number.</exception>
    public static double? Of(int place) => place switch
    {
        0 => 1,
        1 => 0,
        -1 => null,
        _ => throw new InvalidOperationException(
            $"The judge gave {place}; it must give 0 where the first completion is better, 1 where the second is, -1 where it is "
            + "undecided."),
    };

    /// <summary>A probability, if it is one.</summary>
    /// <exception cref="InvalidOperationException">It is not.</exception>
    public static double? Checked(double? firstWins) => firstWins is null or (>= 0 and <= 1) ? firstWins
        : throw new InvalidOperationException(FormattableString.Invariant(
            $"The judge gave {firstWins}; the probability that the first completion is better must lie between 0 and 1, or be null."));

    /// <summary>Of scores: arXiv:1706.03741, Eq. 1.</summary>
    public static PairVerdicts OfScores((double? First, double? Second)[] scores) =>
        new(Array.ConvertAll(scores, pair => pair is ({ } first, { } second) ? 1 / (1 + Math.Exp(second - first)) : (double?)null), scores);

    /// <summary>Asks a judge in training, and checks what it gives.</summary>
    /// <param name="judge">Asked once.</param>
    /// <param name="who">What it is, for messages.</param>
    /// <param name="pairs">What to judge.</param>
    /// <param name="step">The step of the run, counted from 1.</param>
    /// <param name="cancel">Asks to stop early.</param>
    /// <exception cref="RewardFunctionException">It threw, or gave no verdict.</exception>
    public static PairVerdicts Ask(BoundJudge judge, string who, IReadOnlyList<AnswerPair> pairs, int step, CancellationToken cancel)
    {
        PairVerdicts verdicts;
        try
        {
            verdicts = judge(pairs, cancel);
        }
        catch (Exception cause) when (cause is not RewardFunctionException
            && (cause is not OperationCanceledException || !cancel.IsCancellationRequested))
        {
            throw new RewardFunctionException(step, $"the {who} threw {cause.GetType().Name}: {cause.Message}", cause);
        }
        return verdicts;
    }

    /// <summary>0, 1 or -1; equally good ones leave the first in front.</summary>
    public static int Place(double? firstWins) => firstWins is not { } probability ? -1 : probability >= 0.5 ? 0 : 1;
}
