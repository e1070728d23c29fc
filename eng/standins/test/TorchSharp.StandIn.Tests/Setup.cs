using static TorchSharp.torch;

[assembly: DoNotParallelize]

namespace TorchSharpStandIn.Tests;

[TestClass]
public sealed class Setup
{
    [AssemblyInitialize]
    public static void OneThread(TestContext _) => set_num_threads(1); // two threads collapse on a loaded two-core machine
}
