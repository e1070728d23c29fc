using System.IO.Compression;

// Signatures only; see README.md. No body here ever runs.

namespace Microsoft.ML.Runtime
{
    public interface IHostEnvironmentInternal
    {
        string? TempFilePath { get; }

        bool FallbackToCpu { get; }

        int? GpuDeviceId { get; }
    }

    public interface ICancelable
    {
        bool IsCanceled { get; }
    }
}

namespace Microsoft.ML
{
    public sealed class RepositoryWriter
    {
        public ZipArchive? _archive;
    }

    public sealed class RepositoryReader
    {
        public readonly Dictionary<string, ZipArchiveEntry> _entries = null!;
    }

    public readonly struct VersionInfo
    {
        public VersionInfo(string modelSignature, uint verWrittenCur, uint verReadableCur, uint verWeCanReadBack,
            string loaderAssemblyName, string? loaderSignature, string? loaderSignatureAlt) => throw new NotSupportedException();
    }

    public sealed class ModelSaveContext
    {
        public readonly RepositoryWriter Repository = null!;
        public readonly string? Directory;

        public void SetVersionInfo(VersionInfo ver) => throw new NotSupportedException();

        public void SaveTextStream(string name, Action<TextWriter> action) => throw new NotSupportedException();

        public void SaveBinaryStream(string name, Action<BinaryWriter> action) => throw new NotSupportedException();
    }

    public sealed class ModelLoadContext
    {
        public readonly RepositoryReader Repository = null!;
        public readonly string? Directory;

        public void CheckAtModel(VersionInfo ver) => throw new NotSupportedException();
    }

    public delegate void SignatureLoadModel(ModelLoadContext ctx);

    [AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
    public sealed class LoadableClassAttribute : Attribute
    {
        public LoadableClassAttribute(
            Type instType, Type loaderType, Type? argType, Type signatureType, string userName, params string[] loadNames) =>
            throw new NotSupportedException();
    }
}
