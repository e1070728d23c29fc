using Microsoft.ML.Trl.Operators;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>Makes the tensors of an optimizer's state, in memory or in files of a folder.</summary>
/// <param name="folder">Null = in memory.</param>
internal sealed class StateMemory(string? folder) : IDisposable
{
    private readonly List<Tensor> _made = [];
    private readonly MappedMemory? _mapped = folder is null ? null : new MappedMemory(folder);

    /// <summary>Bytes of all tensors that were made.</summary>
    public long Bytes { get; private set; }

    /// <summary>A tensor of zeros. Owned by this.</summary>
    /// <exception cref="IOException">The folder is not there, or the disk is full.</exception>
    /// <exception cref="NotSupportedException">The device is none that reads files.</exception>
    public Tensor Zeros(ReadOnlySpan<long> shape, ScalarType type, Device device)
    {
        if (_mapped is not null && device.type != DeviceType.CPU)
            throw new NotSupportedException(
                $"OptimizerStateFolder keeps the optimizer's state in files, which {device} cannot read; set it to null, "
                + "or train on the CPU.");
        Tensor state = _mapped?.Zeros(shape, type) ?? zeros(shape.ToArray(), type, device).DetachFromDisposeScope();
        _made.Add(state);
        Bytes += state.NumberOfElements * state.ElementSize;
        return state;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor state in _made)
            state.Dispose();
        _made.Clear();
        _mapped?.Dispose();
    }
}
