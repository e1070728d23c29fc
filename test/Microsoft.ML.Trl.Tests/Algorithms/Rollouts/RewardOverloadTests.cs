using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Rollouts;

/// <summary>Whether the compiler finds the overload that is meant, whatever is written; most of this is tested by being compiled.</summary>
[TestClass]
public sealed class RewardOverloadTests
{
    private static readonly RewardRow[] Rows = [Asked.Row("good"), Asked.Row("")];

    [TestMethod]
    public void Lambdas_of_numbers_and_of_nulls_are_told_apart()
    {
        Same([1, 1], RewardFunction.Of(row => 1.0));
        Same([1, 1], RewardFunction.Of(row => 1));
        Same([4, 0], RewardFunction.Of(row => row.Completion.Length));
        Same([1, null], RewardFunction.Of(row => row.Completion.Length > 0 ? 1.0 : null));
        Same([1, null], RewardFunction.Of((_, completion) => completion.Length > 0 ? 1.0 : null));
        Same([null, null], RewardFunction.Of(row => null));
        Same([10, 6], RewardFunction.Of((prompt, completion) => prompt.Length + completion.Length));
        Same([1, null], RewardFunction.Of(row =>
        {
            if (row.Completion.Length == 0)
                return null;
            return 1.0;
        }));
    }

    [TestMethod]
    public void Lists_of_numbers_and_of_nulls_are_told_apart()
    {
        Same([1, 2], RewardFunction.OfBatch(rows => [1, 2]));
        Same([1, null], RewardFunction.OfBatch(rows => [1, null]));
        Same([1, 1], RewardFunction.OfBatch(rows => new double[] { 1, 1 }));
        Same([null, 1], RewardFunction.OfBatch(rows => new double?[] { null, 1 }));
        Same([4, 0], RewardFunction.OfBatch(rows => [.. rows.Select(row => (double)row.Completion.Length)]));
        Same([4, null], RewardFunction.OfBatch((_, completions) => [.. completions.Select(Length)]));
        Same([4, null], RewardFunction.OfBatch(rows => rows.Select(row => Length(row.Completion)).ToList()));
    }

    [TestMethod]
    public void Methods_with_and_without_null_are_told_apart()
    {
        Same([4, 0], RewardFunction.Of(Plain));
        Same([4, null], RewardFunction.Of(Partial));
        Same([4, 0], RewardFunction.OfBatch(PlainBatch));
        Same([4, null], RewardFunction.OfBatch(PartialBatch));
        Same([4, 0], RewardFunction.OfAsync(PlainAsync));
        Same([4, null], RewardFunction.OfAsync(PartialAsync));
    }

    [TestMethod]
    public void Awaited_lambdas_with_and_without_null_are_told_apart()
    {
        Same([1, 1], RewardFunction.OfAsync((row, cancel) => Task.FromResult(1.0)));
        Same([1, 1], RewardFunction.OfAsync(async (row, cancel) => await Task.FromResult(1.0)));
        Same([4, null], RewardFunction.OfAsync((row, cancel) => Task.FromResult(Length(row.Completion))));
        Same([4, null], RewardFunction.OfAsync(async (row, cancel) => await Task.FromResult(Length(row.Completion))));
        Same([4, null], RewardFunction.OfAsync(async (_, completion, cancel) => await Task.FromResult(Length(completion))));
        Same([10, 6], RewardFunction.OfAsync((prompt, completion, cancel) => Task.FromResult((double)(prompt + completion).Length)));
    }

    [TestMethod]
    public void Functions_of_columns_with_and_without_null_are_told_apart()
    {
        double margin = Tiny.Pairs[0].Margin;
        Same([margin, margin], RewardFunction.Of<Tiny.PairRow>((pair, row) => pair.Margin));
        Same([margin, null], RewardFunction.Of<Tiny.PairRow>((pair, row) => row.Completion.Length > 0 ? pair.Margin : null));
        Same([margin, margin], RewardFunction.OfBatch<Tiny.PairRow>((pairs, rows) => [.. pairs.Select(pair => (double)pair.Margin)]));
        Same([margin, null], RewardFunction.OfBatch<Tiny.PairRow>((pairs, rows) => [pairs[0].Margin, null]));
    }

    [TestMethod]
    public void A_reward_is_called_after_what_it_is()
    {
        double Local(RewardRow row) => 1;
        Assert.AreEqual("reward", RewardFunction.Of(row => 1.0).Name);
        Assert.AreEqual("Plain", RewardFunction.Of(Plain).Name);
        Assert.AreEqual("Partial", RewardFunction.Of(Partial).Name);
        Assert.AreEqual("PlainBatch", RewardFunction.OfBatch(PlainBatch).Name);
        Assert.AreEqual("PartialAsync", RewardFunction.OfAsync(PartialAsync).Name);
        Assert.AreEqual("Local", RewardFunction.Of(Local).Name);
        Assert.AreEqual("weighted_sum", RewardFunction.WeightedSum((RewardFunction.Of(Plain), 1)).Name);
        RewardFunction named = RewardFunction.Of(Plain).Named("length");
        Assert.AreEqual("length", named.Name);
        Same([4, 0], named);
    }

    private static double? Length(string text) => text.Length > 0 ? text.Length : null;

    private static double Plain(RewardRow row) => row.Completion.Length;

    private static double? Partial(RewardRow row) => Length(row.Completion);

    private static IReadOnlyList<double> PlainBatch(IReadOnlyList<RewardRow> rows) => [.. rows.Select(Plain)];

    private static IReadOnlyList<double?> PartialBatch(IReadOnlyList<RewardRow> rows) => [.. rows.Select(Partial)];

    private static Task<double> PlainAsync(RewardRow row, CancellationToken cancel) => Task.FromResult(Plain(row));

    private static Task<double?> PartialAsync(RewardRow row, CancellationToken cancel) => Task.FromResult(Partial(row));

    private static void Same(double?[] expected, RewardFunction reward) => CollectionAssert.AreEqual(expected, Asked.Of(reward, Rows));
}
