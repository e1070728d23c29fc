using TorchSharp;

namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>Fails when a tensor outlives the body.</summary>
internal static class Leaks
{
    public static void None(Action body)
    {
        body(); // warm-up: what is made once and kept does not count
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        body();
        long live = DisposeScopeManager.Statistics.ThreadTotalLiveCount - before;
        Assert.AreEqual(0, live, $"{live} tensors outlived the body.");
    }
}
