using Microsoft.ML;

[assembly: DoNotParallelize]

namespace Interop.Tests;

[TestClass]
public sealed class Setup
{
    [AssemblyInitialize]
    public static void OneThread(TestContext _)
    {
        new MLContext().Trl(); // first: libtorch reads its settings while it loads
        TorchSharp.torch.set_num_threads(1); // two threads collapse on a loaded two-core machine
    }
}
