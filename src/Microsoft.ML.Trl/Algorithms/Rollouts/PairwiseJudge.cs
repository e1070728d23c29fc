using Microsoft.Extensions.AI;

namespace Microsoft.ML.Trl;

/// <summary>
/// Says which of two completions of a prompt is better: 0 = the first, 1 = the second, -1 = undecided, as TRL's pairwise judges do. Methods
/// that learn from pairs leave an undecided pair out.
/// </summary>
/// <example><c>PairwiseJudge.Of((prompt, first, second) => first.Length &lt;= second.Length ? 0 : 1)</c></example>
public abstract class PairwiseJudge
{
    private protected PairwiseJudge() { }

    /// <summary>A function of a prompt and two completions.</summary>
    /// <param name="judge">Gives 0, 1 or -1. Called on the caller's thread, pair after pair.</param>
    public static PairwiseJudge Of(Func<string, string, string, int> judge)
    {
        ArgumentNullException.ThrowIfNull(judge);
        return Of((first, second) => judge(first.Prompt, first.Completion, second.Completion));
    }

    /// <summary>A function of two completions with all that is known about them.</summary>
    /// <param name="judge">Gives 0, 1 or -1. Called on the caller's thread, pair after pair.</param>
    public static PairwiseJudge Of(Func<RewardRow, RewardRow, int> judge)
    {
        ArgumentNullException.ThrowIfNull(judge);
        return new PairFunctionJudge(pair => Verdict.Of(judge(pair.First, pair.Second)));
    }

    /// <summary>A function that says how sure it is: TRL's soft judges.</summary>
    /// <param name="judge">
    /// From prompt, first and second completion to the probability that the first is better, in [0, 1]; null = undecided.
    /// </param>
    public static PairwiseJudge OfProbability(Func<string, string, string, double?> judge)
    {
        ArgumentNullException.ThrowIfNull(judge);
        return new PairFunctionJudge(pair => Verdict.Checked(judge(pair.First.Prompt, pair.First.Completion, pair.Second.Completion)));
    }

    /// <summary>A function that takes its time, such as a call to a service.</summary>
    /// <param name="judge">Gives 0, 1 or -1. Runs on pool threads, for several pairs at once.</param>
    /// <param name="atOnce">Pairs asked about at the same time at most. At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is below 1.</exception>
    public static PairwiseJudge OfAsync(Func<string, string, string, CancellationToken, Task<int>> judge, int atOnce = 16)
    {
        ArgumentNullException.ThrowIfNull(judge);
        return OfAsync((first, second, cancel) => judge(first.Prompt, first.Completion, second.Completion, cancel), atOnce);
    }

    /// <summary>A function of all that is known about two completions that takes its time.</summary>
    /// <param name="judge">Gives 0, 1 or -1. Runs on pool threads, for several pairs at once.</param>
    /// <param name="atOnce">Pairs asked about at the same time at most. At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is below 1.</exception>
    public static PairwiseJudge OfAsync(Func<RewardRow, RewardRow, CancellationToken, Task<int>> judge, int atOnce = 16)
    {
        ArgumentNullException.ThrowIfNull(judge);
        Require.AtLeast(atOnce, 1);
        return new AsyncPairJudge(judge, atOnce);
    }

    /// <summary>Any chat client as a judge: a model on this machine, or a service. TRL's <c>HfPairwiseJudge</c>.</summary>
    /// <param name="judge">The caller owns it.</param>
    /// <param name="question">
    /// From prompt and two completions to what it is asked; null = which of answers A and B a careful reader would prefer.
    /// </param>
    /// <param name="read">
    /// From its answer to 0 (the first of the two in the question), 1 or -1; null = <c>A</c> or <c>B</c> alone, anything else is undecided.
    /// </param>
    /// <param name="options">How it answers, such as a temperature of 0; null = as the client does.</param>
    /// <param name="atOnce">Pairs asked about at the same time at most. At least 1.</param>
    /// <param name="shuffleSeed">
    /// Against the habit of judges to prefer a place: about half of the pairs are shown the other way round, and their verdicts turned
    /// back. Which ones is a function of their texts and this. Null = none.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The number is below 1.</exception>
    public static PairwiseJudge FromChatClient(
        IChatClient judge, Func<string, string, string, string>? question = null, Func<string, int>? read = null,
        ChatOptions? options = null, int atOnce = 16, int? shuffleSeed = 0)
    {
        ArgumentNullException.ThrowIfNull(judge);
        return OfAsync(new ChatPairJudge(judge, question, read, options, shuffleSeed).Judge, atOnce);
    }

    /// <summary>
    /// A reward function: the completion with the higher score wins, by the probability of Bradley and Terry's model, the logistic function
    /// of the difference; where scores are equal, the first. A pair is undecided where the reward does not apply to a completion.
    /// </summary>
    /// <param name="reward">Asked in training only: it may read the columns of the rows, or their tokens.</param>
    public static PairwiseJudge FromReward(RewardFunction reward)
    {
        ArgumentNullException.ThrowIfNull(reward);
        return new RewardPairJudge(reward);
    }

    /// <summary>A reward function as a judge: <see cref="FromReward"/>.</summary>
    /// <param name="reward">Compares by its scores.</param>
    public static implicit operator PairwiseJudge(RewardFunction reward) => FromReward(reward);

    /// <summary>The order that a judge of many completions gives to two.</summary>
    /// <param name="judge">Asked once per pair.</param>
    public static PairwiseJudge FromRanks(RankJudge judge)
    {
        ArgumentNullException.ThrowIfNull(judge);
        return new TextsJudge((prompts, pairs, cancel) =>
            [.. judge.Rank(prompts, [.. pairs.Select(pair => new[] { pair.First, pair.Second })], cancel).Select(ranks => 1.0 - ranks[0])]);
    }

    /// <summary>The completion that satisfies a judge of single completions, where the other does not; otherwise undecided.</summary>
    /// <param name="judge">Asked about both completions of each pair.</param>
    public static PairwiseJudge FromBinary(BinaryJudge judge)
    {
        ArgumentNullException.ThrowIfNull(judge);
        return new TextsJudge((prompts, pairs, cancel) =>
        {
            IReadOnlyList<int> first = judge.Judge(prompts, [.. pairs.Select(pair => pair.First)], cancel: cancel);
            IReadOnlyList<int> second = judge.Judge(prompts, [.. pairs.Select(pair => pair.Second)], cancel: cancel);
            return [.. first.Zip(second, (one, other) => one < 0 || other < 0 || one == other ? (double?)null : one)];
        });
    }

    /// <summary>Judges pairs outside of training.</summary>
    /// <param name="prompts">[N]</param>
    /// <param name="completions">[N] two per prompt.</param>
    /// <param name="cancel">Ends the calls that run.</param>
    /// <returns>[N] 0 where the first is better, 1 where the second is, -1 where it is undecided.</returns>
    /// <exception cref="ArgumentException">The two lists differ in length.</exception>
    /// <exception cref="NotSupportedException">It asks a reward function, which only training can.</exception>
    /// <exception cref="InvalidOperationException">The judge gave neither 0, 1 nor -1, or a probability not in [0, 1].</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IReadOnlyList<int> Judge(
        IReadOnlyList<string> prompts, IReadOnlyList<(string First, string Second)> completions, CancellationToken cancel = default) =>
        [.. Probabilities(prompts, completions, cancel).Select(Verdict.Place)];

    /// <summary>Judges pairs outside of training: TRL's <c>return_scores</c>.</summary>
    /// <returns>[N] probability that the first is better, 1 or 0 of a judge that does not say how sure it is; null = undecided.</returns>
    /// <inheritdoc cref="Judge"/>
    public IReadOnlyList<double?> Probabilities(
        IReadOnlyList<string> prompts, IReadOnlyList<(string First, string Second)> completions, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(completions);
        JudgedTexts.CheckCount(prompts.Count, completions.Count, nameof(completions));
        AnswerPair[] pairs = [.. prompts.Zip(completions, (prompt, pair) => (prompt, pair)).Select((texts, row) => new AnswerPair(
            JudgedTexts.Row(texts.prompt, texts.pair.First, row), JudgedTexts.Row(texts.prompt, texts.pair.Second, row)))];
        return Bind(null)(pairs, cancel).FirstWins;
    }

    /// <summary>Whether verdicts come with the scores that they follow from.</summary>
    internal virtual bool GivesScores => false;

    /// <summary>Finds what is wrong before a model is loaded.</summary>
    internal virtual void Check(MLContext ml, DataViewSchema data) { }

    /// <summary>Gets ready for a run.</summary>
    /// <param name="context">What rewards are asked in; null = texts alone are judged.</param>
    internal abstract BoundJudge Bind(RewardContext? context);
}

/// <summary>One verdict per pair.</summary>
internal delegate PairVerdicts BoundJudge(IReadOnlyList<AnswerPair> pairs, CancellationToken cancel);

/// <summary>Two completions of one prompt.</summary>
internal sealed record AnswerPair(RewardRow First, RewardRow Second);

/// <summary>What a judge says of some pairs.</summary>
/// <param name="FirstWins">Probability that the first is better; null = undecided.</param>
/// <param name="Scores">What the two are worth, null where the reward does not apply; null where the judge compares nothing such.</param>
internal sealed record PairVerdicts(IReadOnlyList<double?> FirstWins, IReadOnlyList<(double? First, double? Second)>? Scores = null)
{
    /// <summary>What rewards told beside their numbers; the second answers come behind the first.</summary>
    public RewardLog Log { get; init; } = new();

    /// <summary>Those of other scores.</summary>
    public PairVerdicts With((double? First, double? Second)[] scores) => Verdict.OfScores(scores) with { Log = Log };
}
