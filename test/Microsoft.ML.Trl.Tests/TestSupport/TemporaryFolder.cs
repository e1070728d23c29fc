namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>A new folder, deleted with all it holds.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("trl-").FullName;

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
