using Microsoft.ML.Trl.Checkpoints;
using Microsoft.Win32.SafeHandles;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>Inputs of blocks in the memory of the CPU, while a model is trained on a GPU.</summary>
internal sealed class MemoryStore : IActivationStore
{
    private readonly HashSet<Tensor> _there = new(ReferenceEqualityComparer.Instance);

    public Func<Tensor> Put(Tensor activation)
    {
        Device device = activation.device;
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor copy = activation.detach().to(CPU, copy: true).DetachFromDisposeScope();
        _there.Add(copy);
        return () =>
        {
            _there.Remove(copy);
            using (copy)
                return copy.to(device, copy: true);
        };
    }

    public void Clear()
    {
        foreach (Tensor copy in _there)
            copy.Dispose();
        _there.Clear();
    }

    public void Dispose() => Clear();
}

/// <summary>Inputs of blocks in a file, which the system deletes when it is closed, even if the process is killed.</summary>
/// <remarks>
/// They are written and read, not mapped: mapped pages would count as memory of the process. A backward pass asks for the last one first,
/// so the file is a stack.
/// </remarks>
internal sealed class FileStore : IActivationStore
{
    private readonly SafeFileHandle _file;
    private long _end;
    private int _waiting;

    /// <param name="folder">Where the file is made.</param>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public FileStore(string folder)
    {
        if (!Directory.Exists(folder))
            throw new DirectoryNotFoundException($"OffloadFolder '{folder}' is not there; create it, or name another.");
        string path = Path.Combine(folder, $"activations-{Guid.NewGuid():N}.tmp");
        _file = File.OpenHandle(
            path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.Delete,
            OperatingSystem.IsWindows() ? FileOptions.DeleteOnClose : FileOptions.None);
        if (!OperatingSystem.IsWindows())
            File.Delete(path); // an open file lives on without a name
    }

    /// <summary>Bytes that wait in the file.</summary>
    public long Length => _end;

    public Func<Tensor> Put(Tensor activation)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        (Device device, ScalarType type, long[] shape, long start) = (activation.device, activation.dtype, activation.shape, _end);
        Tensor dense = activation.detach().cpu().contiguous();
        TensorMemory.Visit(dense, (bytes, offset) => RandomAccess.Write(_file, bytes, start + offset));
        _end = start + (dense.NumberOfElements * dense.ElementSize);
        _waiting++;
        return () => Take(device, type, shape, start);
    }

    public void Clear() => (_end, _waiting) = (0, 0);

    public void Dispose() => _file.Dispose();

    private Tensor Take(Device device, ScalarType type, long[] shape, long start)
    {
        using var frozen = no_grad();
        using var scope = NewDisposeScope();
        Tensor back = empty(shape, type);
        TensorMemory.Visit(back, (bytes, offset) => Fill(bytes, start + offset));
        bool isLast = start + (back.NumberOfElements * back.ElementSize) == _end;
        _end = --_waiting == 0 ? 0 : isLast ? start : _end;
        return back.to(device).MoveToOuterDisposeScope();
    }

    private void Fill(Span<byte> bytes, long offset)
    {
        while (bytes.Length > 0)
        {
            int read = RandomAccess.Read(_file, bytes, offset);
            if (read == 0)
                throw new EndOfStreamException("The file in OffloadFolder was cut while it was in use; train again.");
            bytes = bytes[read..];
            offset += read;
        }
    }
}
