using System.Runtime.InteropServices;

namespace Microsoft.ML.Trl.Operators;

/// <summary>Memory of a CUDA device, from its driver: TorchSharp does not tell it.</summary>
internal static unsafe class DeviceMemory
{
    /// <summary>Bytes in all; null where there is no such device, or no driver that tells.</summary>
    /// <param name="device">Its number.</param>
    public static long? Of(int device)
    {
        string name = OperatingSystem.IsWindows() ? "nvcuda.dll" : "libcuda.so.1";
        if (!NativeLibrary.TryLoad(name, out nint driver))
            return null;
        if (!NativeLibrary.TryGetExport(driver, "cuInit", out nint init)
            || !NativeLibrary.TryGetExport(driver, "cuDeviceGet", out nint get)
            || !NativeLibrary.TryGetExport(driver, "cuDeviceTotalMem_v2", out nint total))
            return null;
        int handle;
        nuint bytes;
        return ((delegate* unmanaged<uint, int>)init)(0) == 0
            && ((delegate* unmanaged<int*, int, int>)get)(&handle, device) == 0
            && ((delegate* unmanaged<nuint*, int, int>)total)(&bytes, handle) == 0
                ? (long)bytes : null;
    }
}
