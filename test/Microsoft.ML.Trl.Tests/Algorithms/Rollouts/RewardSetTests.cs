using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Rollouts;

[TestClass]
public sealed class RewardSetTests
{
    private static readonly RewardFunction One = RewardFunction.Of(_ => 1.0);
    private static readonly RewardFunction Never = RewardFunction.Of(_ => null);
    private static readonly RewardFunction IfLong = RewardFunction.Of(row => row.Completion.Length > 3 ? 10.0 : null);

    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void Names_are_made_unique_and_keep_those_that_are()
    {
        CollectionAssert.AreEqual(new[] { "reward" }, Names("reward"));
        CollectionAssert.AreEqual(new[] { "reward_1", "length", "reward_2" }, Names("reward", "length", "reward"));
        CollectionAssert.AreEqual(new[] { "a_2", "a_3", "a_1" }, Names("a", "a", "a_1"), "a_1 was taken already");
        CollectionAssert.AreEqual(new[] { "reward_1", "reward_2", "x" }, new RewardSet([One, One, One.Named("x")]).Names.ToArray());
    }

    [TestMethod]
    public void Weights_fit_the_rewards()
    {
        CollectionAssert.AreEqual(new[] { 1.0, 1.0 }, new RewardSet([One, One]).Weights.ToArray());
        CollectionAssert.AreEqual(new[] { 2.0, -1.0 }, new RewardSet([One, One], [2, -1]).Weights.ToArray());
        Assert.Contains("There is no reward function; give at least one.", Refused([]));
        Assert.Contains("Reward function 1 is null", Refused([One, null!]));
        Assert.Contains("RewardWeights has 1 numbers for 2 reward functions; give one for each", Refused([One, One], [1]));
        Assert.Contains("RewardWeights[1] is NaN; weights must be finite numbers.", Refused([One, One], [1, double.NaN]));
    }

    [TestMethod]
    public void A_table_has_a_column_per_function_and_null_where_one_does_not_apply()
    {
        RewardTable table = Table([One.Named("one"), IfLong.Named("long"), Never.Named("never")], "good", "bad");
        CollectionAssert.AreEqual(new[] { "one", "long", "never" }, table.Names.ToArray());
        CollectionAssert.AreEqual(new double?[] { 1, 1 }, table.Columns[0].ToArray());
        CollectionAssert.AreEqual(new double?[] { 10, null }, table.Columns[1].ToArray());
        CollectionAssert.AreEqual(new double?[] { null, null }, table.Columns[2].ToArray());
        Assert.AreEqual((2, 10.0), (table.RowCount, table[0, 1]!.Value));
        CollectionAssert.AreEquivalent(
            new Dictionary<string, double?> { ["one"] = 1, ["long"] = null, ["never"] = null }, table.Row(1).ToDictionary());
    }

    [TestMethod]
    public void A_weighted_sum_leaves_out_what_does_not_apply()
    {
        RewardTable table = Table([One, IfLong], "good", "bad");
        CollectionAssert.AreEqual(new double?[] { 2 - 5, 2 }, table.WeightedSums([2, -0.5]));
        CollectionAssert.AreEqual(new double?[] { 10, null }, Table([IfLong, Never], "good", "bad").WeightedSums([1, 1]), "none applies");
        RewardRow[] rows = [Asked.Row("good"), Asked.Row("bad")];
        CollectionAssert.AreEqual(
            new double?[] { 5, null }, Asked.Of(RewardFunction.WeightedSum((IfLong, 0.5), (Never, 3)), rows), "as a reward");
        CollectionAssert.AreEqual(
            new double?[] { 6, 1 }, Asked.Of(RewardFunction.WeightedSum((IfLong, 0.5), (One, 1)), rows), "as a reward");
    }

    /// <summary>Means and unbiased deviations by hand: of 1, 2 and 6 they are 3 and √7.</summary>
    [TestMethod]
    public void Metrics_are_of_the_rows_that_a_function_applies_to()
    {
        var table = new RewardTable(["a", "b", "c"], [[1, null, 2, 6], [null, 5, null, null], [null, null, null, null]]);
        IReadOnlyDictionary<string, double> metrics = table.Metrics();
        Close.Absolute(3, metrics["rewards/a/mean"], 1e-12);
        Close.Absolute(Math.Sqrt(7), metrics["rewards/a/std"], 1e-12);
        CollectionAssert.AreEquivalent(new[] { "rewards/a/mean", "rewards/a/std", "rewards/b/mean" }, metrics.Keys.ToArray());
    }

    [TestMethod]
    public void What_goes_wrong_names_the_function_and_the_step()
    {
        RewardFunction fails = RewardFunction.Of((RewardRow _) => throw new FormatException("no score today"));
        Assert.Contains("Step 1: the reward function 'bad' threw FormatException: no score today", Error([One, fails.Named("bad")]));
        Assert.Contains("Step 1: the reward function threw FormatException: no score today", Error([fails]));
        Assert.Contains(
            "the reward function 'reward_2' gave NaN for row 0 of the batch; scores must be finite numbers, or null where the reward "
            + "does not apply.",
            Error([One, RewardFunction.Of(_ => double.NaN)]));
        Assert.Contains(
            "the reward function 'reward_1' gave 3 scores for 2 responses; it must give one for each.",
            Error([RewardFunction.OfBatch(_ => [1, 2, 3]), One]));
        Assert.Contains(
            "the reward function 'reward_1' gave null for 2 responses",
            Error([RewardFunction.OfBatch((IReadOnlyList<RewardRow> _) => null!), One]));
        Assert.Contains(
            "the reward function 'part' gave Infinity for row 0",
            Error([RewardFunction.WeightedSum((One, 1), (RewardFunction.Of(_ => double.PositiveInfinity).Named("part"), 1))]));
    }

    [TestMethod]
    public void Ppo_can_leave_no_response_out()
    {
        RewardFunctionException error = Assert.Throws<RewardFunctionException>(
            () => Table([IfLong], "good", "bad").Complete("PPO", 3));
        Assert.AreEqual(3, error.Step);
        Assert.Contains(
            "Step 3: the reward function gave null for row 1 of the batch, but PPO can leave no response out. Give a number, such as 0, "
            + "where the reward does not apply, or add one that always does with WeightedSum.",
            error.Message);
        CollectionAssert.AreEqual(new[] { 1.0, 1.0 }, Table([One], "good", "bad").Complete("PPO", 3).ToArray());
    }

    private static string[] Names(params string[] names) => RewardNames.Unique(names);

    private static string Refused(RewardFunction[] rewards, double[]? weights = null) =>
        Assert.ThrowsExactly<ArgumentException>(() => new RewardSet(rewards, weights)).Message;

    private string Error(RewardFunction[] rewards) =>
        Assert.Throws<RewardFunctionException>(() => Table(rewards, "good", "bad")).Message;

    private RewardTable Table(RewardFunction[] rewards, params string[] completions)
    {
        var context = new RewardContext(_ml, _ml.Data.LoadFromEnumerable(Tiny.Pairs), Tiny.Tokenizer);
        RewardRow[] rows = [.. completions.Select(completion => Asked.Row(completion))];
        return new RewardGroup(rewards, context).Score(rows, CancellationToken.None).GetAwaiter().GetResult();
    }
}
