using System.Globalization;
using System.Text.RegularExpressions;

namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>Largest deviation of each comparison that has a name, for a table; written where the variable TRL_DEVIATIONS names a file.</summary>
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
            File.WriteAllLines(file, Largest.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => string.Create(
                CultureInfo.InvariantCulture, $"{entry.Value.Deviation:E2}\t{entry.Value.Tolerance:E1}\t{(entry.Value.Relative ? "relative" : "absolute")}\t{entry.Key}")));
    }

    [GeneratedRegex(@" step \d+")]
    private static partial Regex Step();
}
