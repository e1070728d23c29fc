using System.Reflection;
using System.Text.Json;

namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>
/// Reference numbers. Those in test/fixtures are always there; what needs other people's texts lies beside a checkout, or is absent.
/// </summary>
internal static class Fixtures
{
    private static readonly string Root =
        typeof(Fixtures).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(entry => entry.Key == "Fixtures").Value!;

    private static readonly string? Collection = FindCollection();

    /// <summary>A folder or file below <c>test/fixtures</c>.</summary>
    public static string Path(params string[] parts) => System.IO.Path.Combine([Root, .. parts]);

    public static JsonDocument Json(params string[] parts) => JsonDocument.Parse(File.ReadAllBytes(Path(parts)));

    /// <summary>A folder or file below <c>shared/fixtures</c>, the whole collection; skips the calling test where it is absent.</summary>
    public static string Shared(params string[] parts)
    {
        if (Collection is null)
            Assert.Inconclusive("Skipped: it needs texts that are not in the repository; no shared/fixtures above it, nor TRL_SHARED.");
        return System.IO.Path.Combine([Collection!, .. parts]);
    }

    public static JsonDocument SharedJson(params string[] parts) => JsonDocument.Parse(File.ReadAllBytes(Shared(parts)));

    private static string? FindCollection()
    {
        if (Environment.GetEnvironmentVariable("TRL_SHARED") is { Length: > 0 } given)
            return System.IO.Path.Combine(given, "fixtures");
        for (DirectoryInfo? folder = new(Root); folder is not null; folder = folder.Parent)
        {
            string candidate = System.IO.Path.Combine(folder.FullName, "shared", "fixtures");
            if (Directory.Exists(candidate))
                return candidate;
        }
        return null;
    }
}
