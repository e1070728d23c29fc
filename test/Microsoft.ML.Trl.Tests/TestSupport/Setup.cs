using TorchSharp;

[assembly: DoNotParallelize]

namespace Microsoft.ML.Trl.Tests.TestSupport;

[TestClass]
public sealed class Setup
{
    [AssemblyInitialize]
    public static void OneThread(TestContext _)
    {
        TorchLibrary.EnsureLoaded(); // first: libtorch reads its settings while it loads
        torch.set_num_threads(1); // two threads collapse on a loaded two-core machine
    }

    [AssemblyCleanup]
    public static void WriteDeviations() => Deviations.Write();
}
