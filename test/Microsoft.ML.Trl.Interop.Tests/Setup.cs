[assembly: DoNotParallelize]

namespace Interop.Tests;

[TestClass]
public sealed class Setup
{
    [AssemblyInitialize]
    public static void OneThread(TestContext _) => TorchSharp.torch.set_num_threads(1); // two threads collapse on a loaded two-core machine
}
