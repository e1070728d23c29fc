using System.Runtime.InteropServices;

namespace Microsoft.ML.Trl.Generation;

/// <summary>Float32 memory outside of the managed heap, aligned for vectors.</summary>
internal sealed unsafe class HostBuffer(long count) : IDisposable
{
    public float* Data { get; private set; } = (float*)NativeMemory.AlignedAlloc((nuint)(count * sizeof(float)), 64);

    ~HostBuffer() => Dispose();

    public void Dispose()
    {
        NativeMemory.AlignedFree(Data);
        Data = null;
        GC.SuppressFinalize(this);
    }
}
