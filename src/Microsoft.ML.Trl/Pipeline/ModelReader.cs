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

    /// <summary>Copies a binary entry to a new file in <paramref name="folder"/> and checks its SHA-256 on the way.</summary>
    /// <exception cref="InvalidDataException">The entry is missing, shortened or changed.</exception>
    public string BinaryToFile(string name, string folder)
    {
        string path = Path.Combine(folder, name);
        string actual = Guarded(name, entry =>
        {
            using Stream stream = entry.Open();
            using var hashing = new HashingStream(stream);
            using FileStream target = File.Create(path);
            Copy(hashing, target, entry.Length);
            return Convert.ToHexStringLower(hashing.Finish());
        });
        Check(name, actual);
        return path;
    }

    private string Plain(string name, int limit) => Guarded(name, entry =>
    {
        using Stream stream = entry.Open();
        return BoundedText.Read(stream, entry.Length, limit, "It");
    });

    /// <summary>Copies what the file's table of contents says there is, and fails where there is more or less.</summary>
    private static void Copy(Stream source, Stream target, long length)
    {
        byte[] buffer = new byte[1 << 20];
        for (int count; (count = source.Read(buffer)) > 0; target.Write(buffer, 0, count))
            if ((length -= count) < 0)
                throw new InvalidDataException("It holds more bytes than the file's table of contents says.");
        if (length > 0)
            throw new InvalidDataException($"It ends {length} bytes before the length that the file's table of contents says.");
    }

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
