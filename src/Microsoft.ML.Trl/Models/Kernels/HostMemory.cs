using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Tensors whose memory this process can read and write itself: float32, contiguous, on the CPU.</summary>
internal static class HostMemory
{
    /// <summary>Whether the kernels of this folder apply.</summary>
    public static bool IsUsable(Tensor tensor) =>
        tensor.dtype == ScalarType.Float32 && tensor.device_type == DeviceType.CPU && tensor.is_contiguous() && tensor.NumberOfElements > 0;

    /// <summary>First element of a usable tensor. The caller keeps the tensor alive while the pointer is in use.</summary>
    public static unsafe float* PointerTo(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        // A span is at most 2 GB long; the memory itself does not move, so its first element leads to all of it.
        Tensor first = tensor.NumberOfElements < 1 << 28 ? tensor : tensor.detach().view(-1).narrow(0, 0, 1);
        fixed (byte* bytes = first.bytes)
            return (float*)bytes;
    }
}
