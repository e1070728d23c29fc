using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>The memory of float32 tensors on the CPU, for loops that read and write each number once.</summary>
internal static unsafe class FloatMemory
{
    /// <summary>Whether <see cref="Pointer"/> may be asked for.</summary>
    public static bool Reaches(Tensor tensor) =>
        tensor.device_type == DeviceType.CPU && tensor.dtype == ScalarType.Float32 && tensor.is_contiguous();

    /// <summary>Address of the first number. Valid while the caller keeps <paramref name="tensor"/> alive.</summary>
    public static float* Pointer(Tensor tensor)
    {
        if (tensor.NumberOfElements == 0)
            return null;
        using DisposeScope scope = NewDisposeScope();
        Tensor first = tensor.detach().view(-1).narrow(0, 0, 1); // a span cannot hold more than 2 GB; its start is enough
        return (float*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(first.bytes));
    }

    /// <summary>Runs a body for 0 ... count - 1 on as many threads as torch uses.</summary>
    public static void InParallel(int count, Action<int> body)
    {
        int threads = get_num_threads();
        if (threads <= 1 || count <= 1)
        {
            for (int index = 0; index < count; index++)
                body(index);
            return;
        }
        Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads }, body);
    }
}
