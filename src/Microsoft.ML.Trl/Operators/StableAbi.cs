using System.Runtime.InteropServices;
using TorchSharp;

namespace Microsoft.ML.Trl.Operators;

/// <summary>
/// The functions of libtorch's stable C ABI (torch/csrc/stable/c/shim.h) that call operators by name. Found once, in the libtorch that
/// TorchSharp loaded. Every function returns 0 or an error code.
/// </summary>
internal static unsafe class StableAbi
{
    /// <summary>The version that our calls are written for, 2.10: a newer libtorch adapts to it.</summary>
    public const ulong Version = 0x020A_0000_0000_0000;

    private static readonly Lazy<nint> _library = new(Open);

    /// <summary>
    /// (operator, overload, stack, version): takes over the arguments on the stack, leaves the results there, which are the caller's.
    /// </summary>
    public static readonly delegate* unmanaged<byte*, byte*, ulong*, ulong, int> CallDispatcher =
        (delegate* unmanaged<byte*, byte*, ulong*, ulong, int>)Export("torch_call_dispatcher");

    /// <summary>(tensor, out handle): a second owner of the same tensor.</summary>
    public static readonly delegate* unmanaged<nint, nint*, int> NewTensorHandle =
        (delegate* unmanaged<nint, nint*, int>)Export("aoti_torch_new_tensor_handle");

    /// <summary>(capacity, out list).</summary>
    public static readonly delegate* unmanaged<nuint, nint*, int> NewList =
        (delegate* unmanaged<nuint, nint*, int>)Export("torch_new_list_reserve_size");

    /// <summary>(list, slot).</summary>
    public static readonly delegate* unmanaged<nint, ulong, int> ListPushBack =
        (delegate* unmanaged<nint, ulong, int>)Export("torch_list_push_back");

    /// <summary>(begin, end, grain, body, context): body(begin, end, context) on libtorch's own threads.</summary>
    public static readonly delegate* unmanaged<long, long, long, delegate* unmanaged<long, long, void*, void>, void*, int> ParallelFor =
        (delegate* unmanaged<long, long, long, delegate* unmanaged<long, long, void*, void>, void*, int>)Export("torch_parallel_for");

    /// <summary>(tensor, out address of the first element).</summary>
    public static readonly delegate* unmanaged<nint, nint*, int> GetDataPointer =
        (delegate* unmanaged<nint, nint*, int>)Export("aoti_torch_get_data_ptr");

    /// <summary>
    /// (memory, dimensions, sizes, strides, offset, type, kind of device, number of device, out tensor): a tensor over memory that stays
    /// the caller's.
    /// </summary>
    public static readonly delegate* unmanaged<void*, long, long*, long*, long, int, int, int, nint*, int> NewTensorOverMemory =
        (delegate* unmanaged<void*, long, long*, long*, long, int, int, int, nint*, int>)Export("aoti_torch_create_tensor_from_blob");

    /// <summary>
    /// The message of this thread's last error, or null where libtorch is older than 2.13, which only
    /// prints it on the standard error stream.
    /// </summary>
    public static string? LastError =>
        NativeLibrary.TryGetExport(_library.Value, "torch_exception_get_what_without_backtrace", out nint address)
            ? Marshal.PtrToStringUTF8(((delegate* unmanaged<nint>)address)()) : null;

    private static nint Open()
    {
        TorchLibrary.EnsureLoaded();
        return NativeLibrary.TryLoad(TorchLibrary.FileName("torch_cpu"), typeof(torch).Assembly, null, out nint library)
            ? library : throw new DllNotFoundException(
                "TorchSharp is loaded, but libtorch_cpu is not found beside it; reference one TorchSharp-cpu or TorchSharp-cuda package.");
    }

    private static nint Export(string name) => Export(_library.Value, name);

    /// <exception cref="NotSupportedException">The library is older than the function.</exception>
    internal static nint Export(nint library, string name) => NativeLibrary.TryGetExport(library, name, out nint address) ? address
        : throw new NotSupportedException(
            $"This libtorch has no '{name}': Microsoft.ML.Trl needs libtorch 2.10 or newer. " +
            "Reference TorchSharp 0.107.0 or newer and the TorchSharp-cpu or TorchSharp-cuda package of the same version " +
            $"(TorchSharp here is {TorchSharpVersion}).");

    private static Version? TorchSharpVersion => typeof(torch).Assembly.GetName().Version;
}
