using System.Globalization;
using Microsoft.ML.Trl.Operators;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Planning;

/// <summary>Memory that a run may take.</summary>
internal static class FreeMemory
{
    private const string LinuxFile = "/proc/meminfo", LinuxLine = "MemAvailable:";

    /// <summary>What is free on the machine, or what a GPU has; null where that cannot be known.</summary>
    public static long? Of(Device device)
    {
        if (device.type == DeviceType.CUDA)
            return DeviceMemory.Of(Math.Max(0, device.index));
        GCMemoryInfo all = GC.GetGCMemoryInfo(); // knows the limit of a container
        long free = all.TotalAvailableMemoryBytes - Environment.WorkingSet;
        string? found = !File.Exists(LinuxFile) ? null
            : File.ReadLines(LinuxFile).FirstOrDefault(line => line.StartsWith(LinuxLine, StringComparison.Ordinal));
        if (found is null)
            return free;
        string kilobytes = found[LinuxLine.Length..].Trim().Split(' ')[0];
        return Math.Min(free, long.Parse(kilobytes, CultureInfo.InvariantCulture) * 1024);
    }
}
