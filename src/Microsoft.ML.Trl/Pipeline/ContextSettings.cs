extern alias facade;

using Microsoft.ML.Runtime;
using Internals = facade::Microsoft.ML.Runtime;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>What an ML.NET context says about devices and temporary files. A loader sees it on an internal interface alone.</summary>
/// <param name="GpuDeviceId">Number of the CUDA device; null = CPU.</param>
/// <param name="FallbackToCpu">Whether the CPU may stand in for it.</param>
/// <param name="TempFolder">Where temporary files go.</param>
internal sealed record ContextSettings(int? GpuDeviceId, bool FallbackToCpu, string TempFolder)
{
    public static ContextSettings Of(IHostEnvironment env) => (object)env is Internals.IHostEnvironmentInternal settings
        ? new ContextSettings(settings.GpuDeviceId, settings.FallbackToCpu, settings.TempFilePath ?? Path.GetTempPath())
        : new ContextSettings(null, false, Path.GetTempPath());
}
