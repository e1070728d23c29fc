using System.Text.Json;

namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>Finds the reference numbers that lie beside a checkout; where they are absent a test is skipped, visibly.</summary>
internal static class Fixtures
{
    private static readonly string? Root = Find();

    /// <summary>The folder or file below <c>shared/fixtures</c>; skips the calling test when there is none.</summary>
    public static string Path(params string[] parts)
    {
        if (Root is null)
            Assert.Inconclusive("No shared/fixtures folder above the test binaries (set TRL_SHARED to its parent): the reference numbers are not here.");
        return System.IO.Path.Combine([Root!, .. parts]);
    }

    public static JsonDocument Json(params string[] parts) => JsonDocument.Parse(File.ReadAllBytes(Path(parts)));

    private static string? Find()
    {
        if (Environment.GetEnvironmentVariable("TRL_SHARED") is { Length: > 0 } given)
            return System.IO.Path.Combine(given, "fixtures");
        foreach (string start in new[] { Environment.CurrentDirectory, AppContext.BaseDirectory })
            for (DirectoryInfo? folder = new(start); folder is not null; folder = folder.Parent)
            {
                string candidate = System.IO.Path.Combine(folder.FullName, "shared", "fixtures");
                if (Directory.Exists(candidate))
                    return candidate;
            }
        return null;
    }
}
