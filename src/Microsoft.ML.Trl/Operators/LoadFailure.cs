using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Trl.Operators;

/// <summary>Turns what the system's loader says about libtorch into a cause and a cure.</summary>
internal static partial class LoadFailure
{
    private const string NewerSystem = "a newer system (Ubuntu 24.04, Debian 13, Fedora 39, or the .NET container images of such)";

    /// <summary>What was tried.</summary>
    /// <param name="Libtorch">Path of libtorch_cpu, or null: no package brings one.</param>
    /// <param name="Shim">Path of LibTorchSharp, or null: no package brings one for this system.</param>
    /// <param name="Message">The loader's words, or null: each library loads by itself.</param>
    public sealed record Attempt(string? Libtorch, string? Shim, string? Message);

    /// <summary>Says why libtorch does not load and what to do.</summary>
    /// <param name="attempt">What was tried.</param>
    /// <param name="newestVersion">
    /// The newest symbol version of a family (GLIBCXX, GLIBC, ...) in a library, given as (path, family); null where unknown.
    /// </param>
    public static string Explain(Attempt attempt, Func<string, string, string?> newestVersion)
    {
        if (attempt.Shim is null)
            return "TorchSharp cannot load libtorch: no package brings TorchSharp's native library for this system. " +
                "Reference TorchSharp-cpu in the application.";
        if (attempt.Libtorch is null)
            return "TorchSharp cannot load libtorch: no libtorch package is referenced. " +
                "Add TorchSharp-cpu, TorchSharp-cuda-linux or TorchSharp-cuda-windows, " +
                "in TorchSharp's own version, to the application; a library leaves that choice to it.";
        if (attempt.Message is null)
            return $"TorchSharp cannot load libtorch, although {attempt.Libtorch} and {attempt.Shim} load by themselves: " +
                "their versions do not match. Reference the TorchSharp-cpu or TorchSharp-cuda package of TorchSharp's own version.";
        if (OldRuntime().Match(attempt.Message) is { Success: true } old)
            return ExplainOldRuntime(old, newestVersion);
        if (MissingLibrary().Match(attempt.Message) is { Success: true } missing)
            return $"TorchSharp cannot load libtorch: {missing.Groups["library"].Value} is missing. " +
                "Install the system package that holds it, or export LD_LIBRARY_PATH with its folder before the program starts.";
        if (attempt.Message.Contains("0x8007007E", StringComparison.OrdinalIgnoreCase))
            return $"TorchSharp cannot load libtorch: {attempt.Shim} or {attempt.Libtorch} needs a library that is missing. " +
                "Install the Microsoft Visual C++ Redistributable (x64), which libtorch is built on.";
        return $"TorchSharp cannot load libtorch. The system says: {attempt.Message.Trim()}";
    }

    /// <summary>The newest version of a family, such as GLIBCXX, that a library names: its file holds them as text.</summary>
    public static string? NewestVersionIn(string path, string family)
    {
        try
        {
            string text = Encoding.Latin1.GetString(File.ReadAllBytes(path));
            MatchCollection versions = Regex.Matches(text, $@"{family}_(\d+(\.\d+)+)\0");
            return versions.Select(found => Version.Parse(found.Groups[1].Value)).Max()?.ToString();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static string ExplainOldRuntime(Match old, Func<string, string, string?> newestVersion)
    {
        string library = old.Groups["library"].Value, family = old.Groups["family"].Value;
        string needed = $"{family}_{old.Groups["version"].Value}";
        string? newest = newestVersion(library, family);
        string has = newest is null ? "lacks it" : string.Create(CultureInfo.InvariantCulture, $"has up to {newest}");
        string cure = family == "GLIBC" ? $"Use {NewerSystem}."
            : $"Use {NewerSystem}, or run './build.sh env' in the repository of Microsoft.ML.Trl and export the LD_LIBRARY_PATH " +
                "that it prints before the program starts.";
        return $"TorchSharp's native library {Path.GetFileName(old.Groups["by"].Value)} needs {needed}; " +
            $"this system's {Path.GetFileName(library)} ({library}) {has}. {cure}";
    }

    [GeneratedRegex(@"(?<library>/\S+): version `(?<family>GLIBCXX|GLIBC|CXXABI)_(?<version>[\d.]+)' not found \(required by (?<by>[^)]+)")]
    private static partial Regex OldRuntime();

    [GeneratedRegex(@"(?<library>lib\S+): cannot open shared object file: No such file or directory")]
    private static partial Regex MissingLibrary();
}
