using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Datasets;

[TestClass]
public sealed class TokenBatchTests
{
    [TestMethod]
    public void Labels_are_the_completions_and_come_from_lengths_not_from_ids()
    {
        using var batch = TokenBatch.Create([[5, 0, 0], [7, 8, 0, 0, 9]], [1, 3]); // 0 is a real token here, and what padding holds
        Same([5, 0, 0, 0, 0, 7, 8, 0, 0, 9], batch.Ids);
        Same([0, 1, 7, 8], batch.TargetRows);
        Same([0, 0, 0, 9], batch.Labels);
        CollectionAssert.AreEqual(new[] { 3, 5 }, batch.Lengths.ToArray());
        CollectionAssert.AreEqual(new[] { 2, 2 }, batch.TargetCounts.ToArray());
        Assert.AreEqual((8L, 4, 2), (batch.Tokens, batch.Targets, batch.Size));
    }

    [TestMethod]
    public void Plain_text_learns_all_but_the_first_token()
    {
        using var batch = TokenBatch.Of([new TokenExample([5, 6, 7])]);
        Same([0, 1], batch.TargetRows);
        Same([6, 7], batch.Labels);
    }

    [TestMethod]
    public void Marked_tokens_alone_are_learned()
    {
        using var batch = TokenBatch.Of([new TokenExample([5, 6, 7, 8]) { Learned = [true, false, true, false] }]);
        Same([1], batch.TargetRows);
        Same([7], batch.Labels);
    }

    [TestMethod]
    public void Sums_per_row_follow_the_rows_and_are_differentiable()
    {
        using var scope = NewDisposeScope();
        using var batch = TokenBatch.Create([[1, 2, 3], [4], [5, 6]], [1, 1, 1]);
        Tensor perLabel = tensor([1f, 10f, 100f]).requires_grad_();
        Tensor sums = batch.SumPerRow(perLabel);
        Close.Absolute(tensor([11f, 0f, 100f]), sums, 0);
        (sums * tensor([2f, 3f, 4f])).sum().backward();
        Close.Absolute(tensor([2f, 2f, 4f]), perLabel.grad!, 0);
    }

    [TestMethod]
    public void Cutting_keeps_the_start_and_the_marks()
    {
        var example = new TokenExample([1, 2, 3, 4], PromptLength: 3);
        Assert.AreEqual((2, 2), (example.Truncated(2).Ids.Length, example.Truncated(2).PromptLength));
        Assert.AreSame(example, example.Truncated(4));
        Assert.AreEqual(0, example.Truncated(2).LearnedTokens());
        Assert.AreEqual(1, example.LearnedTokens());
        Assert.IsTrue(example.Slice(2, 2).Learns(1));
        Assert.IsFalse(example.Slice(2, 2).Learns(0));
    }

    [TestMethod]
    public void Its_tensors_are_gone_when_it_is() => Leaks.None(() => TokenBatch.Create([[1, 2]], [0]).Dispose());

    private static void Same(long[] expected, Tensor actual) =>
        CollectionAssert.AreEqual(expected, actual.flatten().data<long>().ToArray());
}
