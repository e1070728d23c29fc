using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Runtime;
using ThirdParty;

namespace Mlnet.StandIn.Tests;

[TestClass]
public sealed class HostTests
{
    private const BindingFlags All = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance;

    private readonly List<LoggingEventArgs> _log = [];

    private MLContext Listening(int? seed = 1)
    {
        var ml = new MLContext(seed);
        ml.Log += (_, message) => _log.Add(message);
        return ml;
    }

    [TestMethod]
    public void Messages_carry_host_and_channel()
    {
        MLContext ml = Listening();
        new EchoEstimator(ml).Fit(ml.View());
        LoggingEventArgs fitted = _log.Single(message => message.Kind == ChannelMessageKind.Info);
        Assert.AreEqual("[Source=EchoEstimator; Fitting, Kind=Info] fitted Completion", fitted.Message);
        Assert.AreEqual("fitted Completion", fitted.RawMessage);
        Assert.AreEqual("EchoEstimator; Fitting", fitted.Source);
        CollectionAssert.AreEqual(new[] { "Channel started", "Channel disposed" },
            _log.Where(message => message.Kind == ChannelMessageKind.Trace && !message.RawMessage.StartsWith("Channel finished. Elapsed ")).Select(message => message.RawMessage).ToArray());
    }

    [TestMethod]
    public void A_host_of_a_host_does_not_name_its_parent()
    {
        MLContext ml = Listening();
        using (IChannel channel = ml.Env().Register("outer").Register("inner").Start("work"))
            channel.Warning(MessageSensitivity.None, "careful");
        using (IChannel channel = ml.Env().Start("root"))
            channel.Error(MessageSensitivity.None, "bad");
        CollectionAssert.AreEqual(new[] { "[Source=inner; work, Kind=Warning] careful", "[Source=root, Kind=Error] bad" },
            _log.Where(message => message.Kind > ChannelMessageKind.Info).Select(message => message.Message).ToArray());
    }

    [TestMethod]
    public void Messages_are_put_together_at_the_listener_and_may_fail_there()
    {
        using IChannel silent = new MLContext().Env().Start("silent");
        silent.Info(MessageSensitivity.None, "{json}", 1);
        using IChannel heard = Listening().Env().Start("heard");
        heard.Info(MessageSensitivity.None, "{json}");
        Assert.ThrowsExactly<FormatException>(() => heard.Info(MessageSensitivity.None, "{json}", 1));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => heard.Info(MessageSensitivity.None, ""));
    }

    [TestMethod]
    public void Random_numbers_of_a_host_repeat_and_depend_on_the_hosts_before_it()
    {
        int[] first = Draw(new MLContext(3).Env().Register("a"));
        CollectionAssert.AreEqual(first, Draw(new MLContext(3).Env().Register("other name")));
        IHostEnvironment used = new MLContext(3);
        used.Register("x");
        CollectionAssert.AreNotEqual(first, Draw(used.Register("a")));
        CollectionAssert.AreEqual(Draw(used.Register("y", seed: 9)), Draw(new MLContext().Env().Register("z", seed: 9)));
    }

    [TestMethod]
    public void Random_numbers_are_those_of_ml_net()
    {
        Assert.AreEqual("203934702,830,1101774770", string.Join(",", Draw(new MLContext(3).Env().Register("a"))));
        Random random = new MLContext(3).Env().Register("a", seed: 11).Rand;
        Assert.AreEqual("0.9522563689388335 76 -3", $"{random.NextDouble():R} {random.Next(100)} {random.Next(-5, 5)}");
    }

    [TestMethod]
    public void Device_settings_are_copied_to_a_host_when_it_is_registered()
    {
        var ml = new MLContext { GpuDeviceId = 2, FallbackToCpu = true, TempFilePath = "/somewhere" };
        IHost host = ml.Env().Register("early");
        ml.GpuDeviceId = 3;
        Type settings = typeof(IHostEnvironment).Assembly.GetType("Microsoft.ML.Runtime.IHostEnvironmentInternal");
        Assert.AreEqual(2, settings.GetProperty("GpuDeviceId").GetValue(host));
        Assert.AreEqual(true, settings.GetProperty("FallbackToCpu").GetValue(host));
        Assert.AreEqual("/somewhere", settings.GetProperty("TempFilePath").GetValue(host));
        Assert.AreEqual(3, settings.GetProperty("GpuDeviceId").GetValue(ml));
        IHost inner = host.Register("inner");
        Assert.AreEqual(2, settings.GetProperty("GpuDeviceId").GetValue(inner));
        Assert.AreEqual(Path.GetTempPath(), settings.GetProperty("TempFilePath").GetValue(inner));
    }

    [TestMethod]
    public void Cancelling_a_context_is_final_and_reaches_its_hosts()
    {
        var ml = new MLContext();
        IHost before = ml.Env().Register("before");
        Type cancelable = typeof(IHostEnvironment).Assembly.GetType("Microsoft.ML.Runtime.ICancelable");
        Assert.IsFalse((bool)cancelable.GetProperty("IsCanceled").GetValue(before));
        typeof(MLContext).GetMethod("CancelExecution", All).Invoke(ml, null);
        Assert.IsTrue((bool)cancelable.GetProperty("IsCanceled").GetValue(before));
        Assert.IsTrue((bool)cancelable.GetProperty("IsCanceled").GetValue(ml.Env().Register("after")));
    }

    [TestMethod]
    public void Options_stay_on_the_context()
    {
        var ml = new MLContext();
        ml.SetOption("depth", 3);
        Assert.IsTrue(ml.TryGetOption("depth", out int depth));
        Assert.AreEqual(3, depth);
        Assert.IsFalse(ml.TryGetOption("depth", out string _));
        Assert.IsFalse(ml.TryAddOption("depth", 4));
        Assert.AreEqual(0, ml.GetOptionOrDefault<int>("width"));
        Assert.IsTrue(ml.RemoveOption("depth"));
        Assert.IsFalse(ml.RemoveOption("depth"));
        Assert.ThrowsExactly<ArgumentNullException>(() => ml.SetOption(" ", 1));
    }

    [TestMethod]
    public void Progress_is_checked_and_not_logged()
    {
        MLContext ml = Listening();
        using (IProgressChannel progress = ml.Env().StartProgressChannel("training"))
        {
            progress.SetHeader(new ProgressHeader(["loss"], ["steps"]), _ => { });
            progress.Checkpoint(0.5, 1, 10);
            Assert.ThrowsExactly<InvalidOperationException>(() => progress.Checkpoint(1, 2, 3, 4));
        }
        Assert.AreEqual(0, _log.Count);
    }

    private static int[] Draw(IHost host) => [host.Rand.Next(), host.Rand.Next(1000), host.Rand.Next()];
}
