namespace Microsoft.ML.Trl.Tests.Pipeline;

[TestClass]
public sealed class LoadDeviceTests
{
    [TestMethod]
    public void Loading_asks_the_context_for_the_device()
    {
        MLContext strict = new() { GpuDeviceId = 99 };
        using var first = new MemoryStream(SavedChain.Zip);
        Exception error = Assert.Throws<Exception>(() => strict.Model.Load(first, out _));
        Assert.Contains("GPU 99 was asked for", error.ToString());
        MLContext lenient = new() { GpuDeviceId = 99, FallbackToCpu = true };
        List<string> log = [];
        lenient.Log += (_, message) => log.Add(message.Message);
        using var second = new MemoryStream(SavedChain.Zip);
        Assert.IsNotNull(lenient.Model.Load(second, out _));
        Assert.IsTrue(log.Any(line => line.Contains("using the CPU instead", StringComparison.Ordinal)));
    }
}
