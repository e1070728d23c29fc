namespace TorchSharp;

public static partial class torch
{
    public static bool is_grad_enabled() => Native.tsi_grad_enabled() != 0;
    public static bool is_inference_mode_enabled() => Native.tsi_inference_enabled() != 0;
    public static IDisposable no_grad() => new GradMode(false);
    public static IDisposable enable_grad(bool enabled = true) => new GradMode(enabled);
    public static IDisposable set_grad_enabled(bool mode = true) => new GradMode(mode);
    public static IDisposable inference_mode(bool mode = true) => new InferenceMode(mode);

    /// <summary>Switches recording for this thread, until it is disposed.</summary>
    internal sealed class GradMode : IDisposable
    {
        private readonly int _before = Native.tsi_grad_enabled();

        public GradMode(bool on) => Native.tsi_set_grad_enabled(on ? 1 : 0);

        public void Dispose() => Native.tsi_set_grad_enabled(_before);
    }

    private sealed class InferenceMode(bool on) : IDisposable
    {
        private nint _guard = Native.tsi_inference_enter(on ? 1 : 0);

        public void Dispose()
        {
            if (_guard != 0)
                Native.tsi_inference_leave(_guard);
            _guard = 0;
        }
    }
}

public class AnomalyMode : IDisposable
{
    private readonly bool _enabled = IsEnabled, _checks = ShouldCheckNaN;

    public AnomalyMode(bool enabled, bool check_nan = true) => Native.tsi_set_anomaly(enabled ? 1 : 0, check_nan ? 1 : 0);

    public static bool IsEnabled => Native.tsi_anomaly_enabled() != 0;

    public static bool ShouldCheckNaN => Native.tsi_anomaly_checks_nan() != 0;

    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool disposing) => Native.tsi_set_anomaly(_enabled ? 1 : 0, _checks ? 1 : 0);
}
