using System.Globalization;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>
/// Largest deviation of each comparison that has a name, for a table; written at the end where the variable TRL_DEVIATIONS names a file.
/// </summary>
internal static partial class Deviations
{
    private static readonly Dictionary<string, (double Deviation, double Tolerance, bool Relative)> Largest = [];

    public static void Note(string what, double deviation, double tolerance, bool relative)
    {
        if (what.Length == 0)
            return;
        string name = Step().Replace(what, "");
        if (!Largest.TryGetValue(name, out var known) || deviation > known.Deviation)
            Largest[name] = (deviation, tolerance, relative);
    }

    public static void Write()
    {
        if (Environment.GetEnvironmentVariable("TRL_DEVIATIONS") is { Length: > 0 } file)
            File.WriteAllLines(file, Largest.Select(entry => Line(entry.Key, entry.Value)).Order(StringComparer.Ordinal));
    }

    private static string Line(string name, (double Deviation, double Tolerance, bool Relative) worst) => string.Create(
        CultureInfo.InvariantCulture, $"{name}\t{worst.Deviation:E2}\t{worst.Tolerance:E1}\t{(worst.Relative ? "relative" : "absolute")}");

    [GeneratedRegex(@" step \d+")]
    private static partial Regex Step();
}
