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
    /// <exception cref="InvalidDataException">The entry is missing, shortened or changed.</exception>
    public string Text(string name)
    {
        string content = Plain(name);
        Check(name, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content))));
        return content;
    }

    /// <summary>Copies a binary entry to a new file in <paramref name="folder"/> and checks its SHA-256 on the way.</summary>
    /// <exception cref="InvalidDataException">The entry is missing, shortened or changed.</exception>
    public string BinaryToFile(string name, string folder)
    {
        string path = Path.Combine(folder, name);
        string actual = "";
        bool found = false;
        void Copy(Stream source)
        {
            found = true;
            using var hashing = new HashingStream(source);
            using FileStream target = File.Create(path);
            hashing.CopyTo(target, 1 << 20);
            actual = Convert.ToHexStringLower(hashing.Finish());
        }

        Guarded(name, () =>
        {
            if (DirectEntry(name) is { } entry)
                using (Stream stream = entry.Open())
                    Copy(stream);
            else
                _context.TryLoadBinaryStream(name, reader => Copy(reader.BaseStream));
        });
        if (!found)
            throw Missing(name);
        Check(name, actual);
        return path;
    }

    private string Plain(string name)
    {
        string? text = null;
        Guarded(name, () => _context.TryLoadTextStream(name, reader => text = reader.ReadToEnd()));
        return text ?? throw Missing(name);
    }

    private void Check(string name, string actual)
    {
        string expected = Plain(name + ModelWriter.ChecksumSuffix).Trim();
        if (actual != expected)
            throw new InvalidDataException(
                $"Entry '{Label(name)}' of the model file is damaged: its SHA-256 is {actual}, but {expected} was written. Copy or save "
                + "the file again.");
    }

    // Reading the archive's own entry spares a second temporary copy of the weights.
    private ZipArchiveEntry? DirectEntry(string name)
    {
        string path = string.IsNullOrEmpty(_context.Directory) ? name : Path.Combine(_context.Directory, name);
        return _context.Repository?._entries is { } entries
            && (entries.TryGetValue(path, out ZipArchiveEntry? entry) || entries.TryGetValue(path.Replace('\\', '/'), out entry))
                ? entry
                : null;
    }

    private void Guarded(string name, Action read)
    {
        try
        {
            read();
        }
        catch (Exception cause) when (cause is InvalidDataException or EndOfStreamException or DecoderFallbackException)
        {
            throw new InvalidDataException(
                $"Entry '{Label(name)}' of the model file is damaged: {cause.Message} Copy or save the file again.", cause);
        }
    }

    private InvalidDataException Missing(string name) =>
        new($"The model file has no entry '{Label(name)}'. It was not saved whole, or an entry was removed; save the model again.");

    /// <summary>The entry's name within the model file, for messages.</summary>
    public string Label(string name) => string.IsNullOrEmpty(_context.Directory) ? name : $"{_context.Directory}/{name}".Replace('\\', '/');
}
