using Microsoft.ML.Trl.Operators;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Operators;

[TestClass]
public sealed class ParallelLoopTests
{
    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    public void Each_index_runs_once(int threads) => WithThreads(threads, () =>
    {
        int[] runs = new int[1000];
        int parts = 0;
        ParallelLoop.For(3, 1000, 10, (begin, end) =>
        {
            Interlocked.Increment(ref parts);
            for (long i = begin; i < end; i++)
                Interlocked.Increment(ref runs[i]);
        });
        Assert.AreEqual(threads, parts);
        Assert.AreEqual(0, runs[..3].Sum());
        Assert.IsTrue(runs[3..].All(count => count == 1));
    });

    [TestMethod]
    public void Little_work_stays_on_one_thread() => WithThreads(2, () =>
    {
        int parts = 0;
        ParallelLoop.For(0, 10, 10, (_, _) => Interlocked.Increment(ref parts));
        Assert.AreEqual(1, parts);
    });

    [TestMethod]
    public void Empty_range_runs_nothing() => ParallelLoop.For(5, 5, 1, (_, _) => Assert.Fail("ran"));

    [TestMethod]
    [DataRow(1)]
    [DataRow(2)]
    public void Exception_of_the_body_comes_out_after_the_loop(int threads) => WithThreads(threads, () =>
    {
        for (int repeat = 0; repeat < 20; repeat++)
        {
            var failure = Assert.ThrowsExactly<FormatException>(() =>
                ParallelLoop.For(0, 100, 1, (begin, _) => throw new FormatException($"from {begin}")));
            StringAssert.StartsWith(failure.Message, "from ");
        }
        Assert.AreEqual(6f, ones(2, 3).sum().item<float>(), "libtorch still works");
    });

    /// <summary>Runs on a number of libtorch's threads, and goes back to the tests' one.</summary>
    internal static void WithThreads(int threads, Action body)
    {
        using var scope = NewDisposeScope();
        int before = get_num_threads();
        set_num_threads(threads);
        try
        {
            body();
        }
        finally
        {
            set_num_threads(before);
        }
    }
}
