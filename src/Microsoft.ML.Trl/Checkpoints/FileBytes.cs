using Microsoft.Win32.SafeHandles;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>Reads parts of a checkpoint's file, which may be damaged or become shorter at any time.</summary>
internal static class FileBytes
{
    /// <summary>Fills <paramref name="target"/> with the bytes from <paramref name="offset"/> on.</summary>
    /// <param name="handle">The file.</param>
    /// <param name="target">As many bytes as are wanted.</param>
    /// <param name="offset">First byte, counted from the start of the file.</param>
    /// <param name="path">Name of the file for messages.</param>
    /// <param name="what">What is read, for messages.</param>
    /// <exception cref="InvalidDataException">The file ends before.</exception>
    public static void Read(SafeFileHandle handle, Span<byte> target, long offset, string path, string what)
    {
        while (!target.IsEmpty)
        {
            int count = RandomAccess.Read(handle, target, offset);
            if (count == 0)
                throw Broken(path, $"it ended in the middle of {what}; it became shorter while it was read");
            target = target[count..];
            offset += count;
        }
    }

    /// <summary>The failure of a file whose content makes no sense.</summary>
    public static InvalidDataException Broken(string source, string problem) => new($"Cannot read '{source}': {problem}.");
}
