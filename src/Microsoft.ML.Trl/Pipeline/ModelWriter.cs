extern alias facade;

using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;
using Internals = facade::Microsoft.ML;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>Writes one transformer into ML.NET's zip: a header that names its loader, small texts, large binary entries.</summary>
internal sealed class ModelWriter
{
    /// <summary>The suffix of the text entry that holds a binary entry's SHA-256.</summary>
    public const string ChecksumSuffix = ".sha256";

    private readonly Internals.ModelSaveContext _context;

    /// <param name="context">The context ML.NET handed to <c>Save</c>.</param>
    /// <param name="modelSignature">Exactly eight characters.</param>
    /// <param name="loaderSignature">At most 24 characters; registered with a <c>LoadableClass</c> attribute.</param>
    /// <param name="version">Layout version, written and required at least.</param>
    public ModelWriter(ModelSaveContext context, string modelSignature, string loaderSignature, uint version)
    {
        ArgumentNullException.ThrowIfNull(context);
        _context = Unsafe.As<Internals.ModelSaveContext>(context);
        // The simple assembly name: a recorded higher version could not be loaded by an older installation.
        string assembly = typeof(ModelWriter).Assembly.GetName().Name!;
        _context.SetVersionInfo(new Internals.VersionInfo(modelSignature, version, version, 1, assembly, loaderSignature, null));
    }

    /// <summary>Writes a text entry, and its checksum beside it.</summary>
    public void Text(string name, string content)
    {
        _context.SaveTextStream(name, writer => writer.Write(content));
        Checksum(name, SHA256.HashData(Encoding.UTF8.GetBytes(content)));
    }

    /// <summary>Writes a binary entry uncompressed, straight into the archive, and its checksum beside it.</summary>
    public void Binary(string name, Action<Stream> write)
    {
        byte[] checksum = [];
        void WriteHashed(Stream target)
        {
            using var hashing = new HashingStream(target);
            write(hashing);
            checksum = hashing.Finish();
        }

        if (_context.Repository?._archive is { } archive)
            using (Stream entry = archive.CreateEntry(EntryPath(name), CompressionLevel.NoCompression).Open())
                WriteHashed(entry);
        else
            _context.SaveBinaryStream(name, writer => WriteHashed(writer.BaseStream));
        Checksum(name, checksum);
    }

    private void Checksum(string name, byte[] checksum) =>
        _context.SaveTextStream(name + ChecksumSuffix, writer => writer.Write(Convert.ToHexStringLower(checksum)));

    // The reader looks entries up with the platform's separator and maps '/' to it.
    private string EntryPath(string name) =>
        string.IsNullOrEmpty(_context.Directory) ? name : Path.Combine(_context.Directory, name).Replace('\\', '/');
}
