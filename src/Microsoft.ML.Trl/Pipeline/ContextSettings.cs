extern alias facade;

using Microsoft.ML.Runtime;
using Internals = facade::Microsoft.ML.Runtime;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>What an ML.NET context says about devices. A loader sees it on an internal interface alone.</summary>
/// <param name="GpuDeviceId">Number of the CUDA device; null = CPU.</param>
/// <param name="FallbackToCpu">Whether the CPU may stand in for it.</param>
internal sealed record ContextSettings(int? GpuDeviceId, bool FallbackToCpu)
{
    public static ContextSettings Of(IHostEnvironment env) => (object)env is Internals.IHostEnvironmentInternal settings
        ? new ContextSettings(settings.GpuDeviceId, settings.FallbackToCpu)
        : new ContextSettings(null, false);
}
