using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Operators;

/// <summary>Comparisons that fail on NaN, and the memory of the process.</summary>
internal static class Numbers
{
    /// <summary>Largest difference at most <paramref name="tolerance"/> times the largest expected entry.</summary>
    public static void Close(Tensor expected, Tensor actual, double tolerance, string what = "") =>
        TestSupport.Close.Relative(expected, actual, tolerance, what);

    /// <summary>Equal to the last bit.</summary>
    public static void Equal(Tensor expected, Tensor actual, string what = "") => TestSupport.Close.Absolute(expected, actual, 0, what);

    /// <summary>No tensor of TorchSharp's outlives the body.</summary>
    public static void NoneLive(Action body)
    {
        body(); // what is made once and kept does not count
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        body();
        Assert.AreEqual(0, DisposeScopeManager.Statistics.ThreadTotalLiveCount - before, "tensors outlived the body");
    }

    /// <summary>The body, run many times, makes the process grow by less than a limit.</summary>
    public static void DoesNotGrow(int times, long megabytes, Action body)
    {
        for (int i = 0; i < 3; i++)
            body();
        long before = Environment.WorkingSet;
        for (int i = 0; i < times; i++)
            body();
        long grown = (Environment.WorkingSet - before) >> 20;
        Assert.IsTrue(grown < megabytes, $"The process grew by {grown} MB, allowed {megabytes}.");
    }
}
