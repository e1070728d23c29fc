using System.IO.MemoryMappedFiles;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Operators;

/// <summary>
/// Tensors whose memory is files of a folder, so that the system may take it away and bring it back. The files go with this.
/// </summary>
internal sealed unsafe class MappedMemory : IDisposable
{
    private readonly string _folder;
    private readonly List<(MemoryMappedFile File, MemoryMappedViewAccessor View)> _files = [];

    /// <param name="folder">There, and writable.</param>
    /// <exception cref="DirectoryNotFoundException">It is not there.</exception>
    public MappedMemory(string folder)
    {
        _folder = Directory.Exists(folder) ? folder : throw new DirectoryNotFoundException(
            $"The folder '{folder}' for the optimizer's state is not there; create it, or name another.");
    }

    /// <summary>A new tensor of zeros on the CPU.</summary>
    /// <param name="shape">Its shape.</param>
    /// <param name="type">Float32 or uint8.</param>
    /// <returns>In no scope. The caller disposes it, before this; it must not be used afterwards.</returns>
    /// <exception cref="IOException">The disk is full, or the file cannot be made.</exception>
    public Tensor Zeros(ReadOnlySpan<long> shape, ScalarType type)
    {
        long count = 1;
        foreach (long size in shape)
            count *= size;
        if (count == 0)
            return zeros(shape.ToArray(), type).DetachFromDisposeScope();
        MemoryMappedViewAccessor view = Map(count * (type == ScalarType.Float32 ? sizeof(float) : sizeof(byte)));
        byte* address = null;
        view.SafeMemoryMappedViewHandle.AcquirePointer(ref address);
        return Over(address + view.PointerOffset, shape, type);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach ((MemoryMappedFile file, MemoryMappedViewAccessor view) in _files)
        {
            view.SafeMemoryMappedViewHandle.ReleasePointer();
            view.Dispose();
            file.Dispose();
        }
        _files.Clear();
    }

    /// <summary>A file of zeros in memory. Its room is taken at once: a full disk must not show while a step writes.</summary>
    private MemoryMappedViewAccessor Map(long bytes)
    {
        RequireRoom(bytes);
        string path = Path.Combine(_folder, $"optimizer-{Guid.NewGuid():N}.state");
        try
        {
            var stream = new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.CreateNew,
                Access = FileAccess.ReadWrite,
                Share = FileShare.None,
                Options = FileOptions.DeleteOnClose,
                PreallocationSize = bytes,
                BufferSize = 0,
            });
            stream.SetLength(bytes);
            MemoryMappedFile file = MemoryMappedFile.CreateFromFile(
                stream, null, bytes, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: false);
            MemoryMappedViewAccessor view = file.CreateViewAccessor(0, bytes);
            _files.Add((file, view));
            if (!OperatingSystem.IsWindows())
                file.Dispose(); // closes and removes the file; its memory stays until the view goes, and nothing is left behind by a crash
            return view;
        }
        catch (Exception cause) when (cause is IOException or UnauthorizedAccessException)
        {
            throw new IOException(
                $"{bytes} bytes of the optimizer's state cannot be put into the folder '{_folder}': {cause.Message} "
                + "Make room there, or name another folder.", cause);
        }
    }

    private void RequireRoom(long bytes)
    {
        long free = new DriveInfo(Path.GetFullPath(_folder)).AvailableFreeSpace;
        if (free < bytes)
            throw new IOException(
                $"The disk of the folder '{_folder}' is full: {bytes} bytes of the optimizer's state are to go there, {free} are free. "
                + "Make room there, or name another folder.");
    }

    private static Tensor Over(void* memory, ReadOnlySpan<long> shape, ScalarType type)
    {
        long[] strides = new long[shape.Length];
        long step = 1;
        for (int i = shape.Length - 1; i >= 0; step *= shape[i--])
            strides[i] = step;
        nint handle;
        int error;
        fixed (long* sizes = shape, steps = strides)
            error = StableAbi.NewTensorOverMemory(memory, shape.Length, sizes, steps, 0, (int)(sbyte)type, (int)DeviceType.CPU, 0, &handle);
        return error == 0
            ? Tensor.UnsafeCreateTensor(handle).DetachFromDisposeScope()
            : throw new InvalidOperationException("libtorch could not make a tensor over the memory of a file.");
    }
}
