using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Rollouts;

[TestClass]
public sealed class JudgeTests
{
    private static readonly string[] Prompts = ["a", "b", "c"];
    private static readonly (string, string)[] Pairs = [("long one", "short"), ("x", "xyz"), ("same", "same")];

    /// <summary>Shorter is better.</summary>
    private static int Shorter(string first, string second) => first.Length == second.Length ? -1 : first.Length < second.Length ? 0 : 1;

    [TestMethod]
    public void A_function_says_which_is_better_or_that_it_cannot_tell()
    {
        PairwiseJudge judge = PairwiseJudge.Of((_, first, second) => Shorter(first, second));
        CollectionAssert.AreEqual(new[] { 1, 0, -1 }, judge.Judge(Prompts, Pairs).ToArray());
        CollectionAssert.AreEqual(new double?[] { 0, 1, null }, judge.Probabilities(Prompts, Pairs).ToArray());
    }

    [TestMethod]
    public void A_soft_judge_gives_probabilities_and_one_half_leaves_the_first_in_front()
    {
        double?[] sure = [0.25, 0.5, null];
        int next = 0;
        PairwiseJudge judge = PairwiseJudge.OfProbability((_, _, _) => sure[next++ % 3]);
        CollectionAssert.AreEqual(sure, judge.Probabilities(Prompts, Pairs).ToArray());
        CollectionAssert.AreEqual(new[] { 1, 0, -1 }, judge.Judge(Prompts, Pairs).ToArray());
    }

    [TestMethod]
    public void Asynchronous_calls_run_at_once_and_keep_their_order()
    {
        using var both = new Barrier(3);
        PairwiseJudge judge = PairwiseJudge.OfAsync((_, first, second, cancel) => Task.Run(() =>
        {
            Assert.IsTrue(both.SignalAndWait(TimeSpan.FromSeconds(30), cancel)); // ends only when all three calls are there
            return Shorter(first, second);
        }, cancel));
        CollectionAssert.AreEqual(new[] { 1, 0, -1 }, judge.Judge(Prompts, Pairs).ToArray());
    }

    [TestMethod]
    public void A_chat_client_is_shown_both_and_answers_with_a_letter()
    {
        using var client = new AnsweringClient(question => question.Contains("\nshort\n</answer_a>", StringComparison.Ordinal)
            ? " **A**." : question.Contains("\nshort\n</answer_b>", StringComparison.Ordinal) ? "B" : "A good question.");
        int[] verdicts = [.. PairwiseJudge.FromChatClient(client, shuffleSeed: null).Judge(Prompts, Pairs)];
        CollectionAssert.AreEqual(new[] { 1, -1, -1 }, verdicts);
        Assert.IsTrue(client.Questions.Any(question => question.Contains("<prompt>\nb\n</prompt>", StringComparison.Ordinal)
            && question.Contains("<answer_a>\nx\n</answer_a>", StringComparison.Ordinal)
            && question.Contains("<answer_b>\nxyz\n</answer_b>", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void A_judge_that_prefers_a_place_splits_its_verdicts_when_pairs_are_shuffled()
    {
        string[] prompts = [.. Enumerable.Range(0, 400).Select(row => $"prompt {row}")];
        (string, string)[] pairs = [.. prompts.Select(prompt => (prompt + " one", prompt + " other"))];
        using var first = new AnsweringClient(_ => "A");
        int[] Verdicts(int? seed) => [.. PairwiseJudge.FromChatClient(first, shuffleSeed: seed).Judge(prompts, pairs)];
        Assert.AreEqual(0, Verdicts(null).Sum());
        Assert.IsInRange(150, 250, Verdicts(7).Sum()); // 5 standard deviations of 400 fair draws
        CollectionAssert.AreEqual(Verdicts(7), Verdicts(7));
        CollectionAssert.AreNotEqual(Verdicts(7), Verdicts(8));
    }

    [TestMethod]
    public void A_judge_that_looks_at_the_answers_gives_the_same_verdicts_when_pairs_are_shuffled()
    {
        string[] prompts = [.. Enumerable.Range(0, 50).Select(row => $"prompt {row}")];
        (string, string)[] pairs = [.. prompts.Select((_, row) => row % 3 == 0 ? ("good", "bad") : ("bad", "good"))];
        using var fair = new AnsweringClient(question => question.Split('|')[0]);
        string Question(string prompt, string a, string b) => $"{(a == "good" ? 0 : b == "good" ? 1 : 5)}|{prompt}";
        PairwiseJudge judge = PairwiseJudge.FromChatClient(fair, Question, int.Parse);
        CollectionAssert.AreEqual(prompts.Select((_, row) => row % 3 == 0 ? 0 : 1).ToArray(), judge.Judge(prompts, pairs).ToArray());
    }

    [TestMethod]
    public void A_reward_prefers_the_higher_score_by_the_logistic_function_of_the_difference()
    {
        PairwiseJudge judge = PairwiseJudge.FromReward(RewardFunction.Of((_, completion) => completion.Length));
        var context = new RewardContext(new MLContext(1), new MLContext(1).Data.LoadFromEnumerable(Tiny.Pairs), Tiny.Tokenizer);
        PairVerdicts verdicts = judge.Bind(context)(
            [.. Pairs.Select((pair, row) => new AnswerPair(JudgedTexts.Row("p", pair.Item1, row), JudgedTexts.Row("p", pair.Item2, row)))],
            CancellationToken.None);
        Close.Absolute(1 / (1 + Math.Exp(-3)), verdicts.FirstWins[0]!.Value, 1e-12);
        Close.Absolute(1 / (1 + Math.Exp(2)), verdicts.FirstWins[1]!.Value, 1e-12);
        Close.Absolute(0.5, verdicts.FirstWins[2]!.Value, 0);
        CollectionAssert.AreEqual(new (double?, double?)[] { (8.0, 5.0), (1.0, 3.0), (4.0, 4.0) }, verdicts.Scores!.ToArray());
        Assert.IsTrue(judge.GivesScores);
    }

    [TestMethod]
    public void A_pair_is_undecided_where_the_reward_does_not_apply()
    {
        PairVerdicts verdicts = Verdict.OfScores([(1, 0), (null, 2), (3, null)]);
        CollectionAssert.AreEqual(new[] { true, false, false }, verdicts.FirstWins.Select(wins => wins is not null).ToArray());
    }

    [TestMethod]
    public void A_rank_judge_orders_completions_and_compares_two()
    {
        RankJudge ranks = RankJudge.Of((_, completions) =>
            [.. Enumerable.Range(0, completions.Count).OrderBy(place => completions[place].Length)]);
        IReadOnlyList<IReadOnlyList<int>> order = ranks.Rank(["p", "q"], [["three", "a", "bb"], []]);
        CollectionAssert.AreEqual(new[] { 1, 2, 0 }, order[0].ToArray());
        Assert.IsEmpty(order[1]);
        CollectionAssert.AreEqual(new[] { 1, 0, 0 }, PairwiseJudge.FromRanks(ranks).Judge(Prompts, Pairs).ToArray());
        RankJudge later = RankJudge.OfAsync(async (_, completions, cancel) =>
        {
            await Task.Yield();
            return [.. Enumerable.Range(0, completions.Count).Reverse()];
        });
        CollectionAssert.AreEqual(new[] { 1, 1, 1 }, PairwiseJudge.FromRanks(later).Judge(Prompts, Pairs).ToArray());
    }

    [TestMethod]
    public void Binary_judges_are_true_together_when_all_are()
    {
        BinaryJudge shortOne = BinaryJudge.Of((_, completion, _) => completion.Length <= 5 ? 1 : 0);
        BinaryJudge gold = BinaryJudge.Of((_, completion, gold) => gold is null ? -1 : completion == gold ? 1 : 0);
        string[] completions = ["xyz", "xyz", "longer"], golds = ["xyz", "abc", "longer"];
        CollectionAssert.AreEqual(new[] { 1, 0, 1 }, gold.Judge(Prompts, completions, golds).ToArray());
        CollectionAssert.AreEqual(new[] { 1, 0, 0 }, BinaryJudge.AllTrue(shortOne, gold).Judge(Prompts, completions, golds).ToArray());
        CollectionAssert.AreEqual(new[] { -1, -1, -1 }, BinaryJudge.AllTrue(shortOne, gold).Judge(Prompts, completions).ToArray());
        CollectionAssert.AreEqual(new[] { 1, -1, -1 }, PairwiseJudge.FromBinary(shortOne).Judge(Prompts, Pairs).ToArray());
        BinaryJudge later = BinaryJudge.OfAsync((_, completion, _, _) => Task.FromResult(completion.Length % 2));
        CollectionAssert.AreEqual(new[] { 1, 1, 0 }, later.Judge(Prompts, completions).ToArray());
    }

    [TestMethod]
    public void A_judge_that_throws_in_training_is_named_with_its_step()
    {
        AnswerPair[] pairs = [new(JudgedTexts.Row("p", "a", 0), JudgedTexts.Row("p", "b", 0))];
        PairVerdicts Ask(PairwiseJudge judge, CancellationToken cancel = default) =>
            Verdict.Ask(judge.Bind(null), "judge", pairs, step: 3, cancel);
        var thrown = Assert.ThrowsExactly<RewardFunctionException>(
            () => Ask(PairwiseJudge.Of((_, _, _) => throw new InvalidDataException("no verdict today"))));
        StringAssert.Contains(thrown.Message, "Step 3: the judge threw InvalidDataException: no verdict today");
        Assert.AreEqual(3, thrown.Step);
        thrown = Assert.ThrowsExactly<RewardFunctionException>(() => Ask(PairwiseJudge.Of((_, _, _) => 2)));
        StringAssert.Contains(thrown.Message, "The judge gave 2; it must give 0 where the first completion is better");
        Assert.Throws<OperationCanceledException>(() => Ask(
            PairwiseJudge.OfAsync((_, _, _, cancel) => Task.FromCanceled<int>(cancel)), new CancellationToken(true)));
    }
}
