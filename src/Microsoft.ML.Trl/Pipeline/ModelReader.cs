extern alias facade;

using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Internals = facade::Microsoft.ML;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>Reads back what <see cref="ModelWriter"/> wrote; each failure names the entry.</summary>
internal sealed class ModelReader
{
    private const int ChecksumLimit = 1024;
    private const int MostCompressed = 1032; // deflate makes a byte of no more

    private readonly Internals.ModelLoadContext _context;

    /// <param name="context">ML.NET's load context; its type is internal, so it arrives as an object.</param>
    /// <param name="modelSignature">The signature that was written.</param>
    /// <param name="loaderSignature">The loader that was written.</param>
    /// <param name="version">The newest layout this code can read.</param>
    public ModelReader(object context, string modelSignature, string loaderSignature, uint version)
    {
        ArgumentNullException.ThrowIfNull(context);
        _context = Unsafe.As<Internals.ModelLoadContext>(context);
        string assembly = typeof(ModelReader).Assembly.GetName().Name!;
        _context.CheckAtModel(new Internals.VersionInfo(modelSignature, version, version, 1, assembly, loaderSignature, null));
    }

    /// <summary>Reads a text entry and checks its SHA-256.</summary>
    /// <param name="name">The entry.</param>
    /// <param name="limit">Most bytes it may have.</param>
    /// <exception cref="InvalidDataException">The entry is missing, too long, shortened or changed.</exception>
    public string Text(string name, int limit = BoundedText.Small)
    {
        string content = Plain(name, limit);
        Check(name, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content))));
        return content;
    }

    /// <summary>Reads a binary entry from first byte to last, without a copy of it, and checks its SHA-256 on the way.</summary>
    /// <param name="name">The entry.</param>
    /// <param name="read">Reads all of a stream of the given length.</param>
    /// <returns>What was read. The caller owns it.</returns>
    /// <exception cref="InvalidDataException">The entry is missing, shortened or changed.</exception>
    public T Binary<T>(string name, Func<Stream, long, T> read)
        where T : class, IDisposable
    {
        (T whole, string hash) = Guarded(name, entry => ReadHashed(entry, read));
        using OwnershipGuard<T> result = new(whole);
        Check(name, hash);
        return result.Release();
    }

    private static (T Result, string Hash) ReadHashed<T>(ZipArchiveEntry entry, Func<Stream, long, T> read)
        where T : class, IDisposable
    {
        if (entry.Length / MostCompressed > entry.CompressedLength)
            throw new InvalidDataException($"It cannot have {entry.Length} bytes that were compressed to {entry.CompressedLength}.");
        using Stream stream = entry.Open();
        using var hashing = new HashingStream(stream);
        using OwnershipGuard<T> result = new(read(hashing, entry.Length));
        if (hashing.ReadByte() >= 0)
            throw new InvalidDataException("It holds more bytes than the file's table of contents says.");
        return (result.Release(), Convert.ToHexStringLower(hashing.Finish()));
    }

    private string Plain(string name, int limit) => Guarded(name, entry =>
    {
        using Stream stream = entry.Open();
        return BoundedText.Read(stream, entry.Length, limit, "It");
    });

    private void Check(string name, string actual)
    {
        string expected = Plain(name + ModelWriter.ChecksumSuffix, ChecksumLimit).Trim();
        if (actual != expected)
            throw new InvalidDataException(
                $"Entry '{Label(name)}' of the model file is damaged: its SHA-256 is {actual}, but {expected} was written. "
                + "Copy or save the file again.");
    }

    // The archive's own entry: it says how long it is before it is read, and spares ML.NET's temporary copies.
    private T Guarded<T>(string name, Func<ZipArchiveEntry, T> read)
    {
        string path = string.IsNullOrEmpty(_context.Directory) ? name : Path.Combine(_context.Directory, name);
        if (_context.Repository?._entries is not { } entries
            || !(entries.TryGetValue(path, out ZipArchiveEntry? entry) || entries.TryGetValue(path.Replace('\\', '/'), out entry)))
            throw new InvalidDataException(
                $"The model file has no entry '{Label(name)}'. It was not saved whole, or an entry was removed; save the model again.");
        try
        {
            return read(entry);
        }
        catch (Exception cause) when (cause is InvalidDataException or EndOfStreamException)
        {
            throw new InvalidDataException(
                $"Entry '{Label(name)}' of the model file is damaged: {cause.Message} Copy or save the file again.", cause);
        }
    }

    /// <summary>The reports of the training.</summary>
    /// <exception cref="InvalidDataException">The entry is damaged or makes no sense.</exception>
    public IReadOnlyList<StepReport> History()
    {
        string text = Text(TrainingHistory.FileName, BoundedText.Huge);
        IReadOnlyList<StepReport> reports = [];
        Sensible(TrainingHistory.FileName, () => reports = TrainingHistory.FromText(text));
        return reports;
    }

    /// <summary>Runs a check of what an entry says; where it fails, the message names the entry.</summary>
    public void Sensible(string name, Action check)
    {
        try
        {
            check();
        }
        catch (Exception cause) when (cause is ArgumentException or FormatException)
        {
            throw Senseless(name, cause.Message, cause);
        }
    }

    /// <summary>The failure of an entry that is whole, but makes no sense.</summary>
    public InvalidDataException Senseless(string name, string problem, Exception? cause = null) => new(
        $"Entry '{Label(name)}' of the model file cannot be understood: {problem} "
        + "It was written by another version or changed by hand; save the model again with this one.",
        cause);

    /// <summary>The entry's name within the model file, for messages.</summary>
    public string Label(string name) => string.IsNullOrEmpty(_context.Directory) ? name : $"{_context.Directory}/{name}".Replace('\\', '/');
}
