using System.Globalization;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>
/// The one place where tests compare numbers. A comparison fails on NaN on either side, on another count or shape, on a name that is
/// missing, and when its tolerance is not finite; its message names the worst entry. MSTest's <c>Assert.IsLessThan(limit, NaN)</c> passes.
/// </summary>
/// <remarks>Infinities agree with themselves. The largest deviations of a run are kept in <see cref="Deviations"/>.</remarks>
internal static class Close
{
    /// <summary>The difference is at most <paramref name="tolerance"/>.</summary>
    /// <returns>The difference.</returns>
    public static double Absolute(double expected, double actual, double tolerance, string what = "") =>
        Compare([expected], [actual], [], tolerance, false, what);

    /// <summary>Largest difference is at most <paramref name="tolerance"/>.</summary>
    /// <returns>The largest difference.</returns>
    public static double Absolute(ReadOnlySpan<double> expected, ReadOnlySpan<double> actual, double tolerance, string what = "") =>
        Compare(expected, actual, [expected.Length], tolerance, false, what);

    /// <summary>Largest difference is at most <paramref name="tolerance"/>.</summary>
    /// <returns>The largest difference.</returns>
    public static double Absolute(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double tolerance, string what = "") =>
        Compare(Wide(expected), Wide(actual), [expected.Length], tolerance, false, what);

    /// <summary>Largest difference is at most <paramref name="tolerance"/>.</summary>
    /// <param name="expected">Any shape and type.</param>
    /// <param name="actual">The same shape; the type may differ.</param>
    /// <param name="tolerance">Finite, 0 or greater.</param>
    /// <param name="what">What is compared, for the message.</param>
    /// <param name="where">Not 0 where an entry counts; of the same shape, or of the leading dimensions. Null = everywhere.</param>
    /// <returns>The largest difference.</returns>
    public static double Absolute(Tensor expected, Tensor actual, double tolerance, string what = "", Tensor? where = null)
    {
        double[] values = Values(expected, actual, where, what, out double[] others);
        return Compare(values, others, where is null ? expected.shape : [values.Length], tolerance, false, what);
    }

    /// <summary>The difference is at most <paramref name="tolerance"/> times the expected number.</summary>
    /// <returns>The difference over the expected number.</returns>
    public static double Relative(double expected, double actual, double tolerance, string what = "") =>
        Compare([expected], [actual], [], tolerance, true, what);

    /// <summary>Largest difference is at most <paramref name="tolerance"/> times the largest expected entry.</summary>
    /// <returns>The largest difference over the largest expected entry.</returns>
    public static double Relative(ReadOnlySpan<double> expected, ReadOnlySpan<double> actual, double tolerance, string what = "") =>
        Compare(expected, actual, [expected.Length], tolerance, true, what);

    /// <summary>Largest difference is at most <paramref name="tolerance"/> times the largest expected entry.</summary>
    /// <returns>The largest difference over the largest expected entry.</returns>
    public static double Relative(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double tolerance, string what = "") =>
        Compare(Wide(expected), Wide(actual), [expected.Length], tolerance, true, what);

    /// <summary>Largest difference is at most <paramref name="tolerance"/> times the largest expected entry.</summary>
    /// <returns>The largest difference over the largest expected entry.</returns>
    public static double Relative(Tensor expected, Tensor actual, double tolerance, string what = "")
    {
        double[] values = Values(expected, actual, null, what, out double[] others);
        return Compare(values, others, expected.shape, tolerance, true, what);
    }

    /// <summary>Every expected figure is there and within its own tolerance.</summary>
    /// <param name="expected">By name.</param>
    /// <param name="actual">The same names; others beside them are not looked at.</param>
    /// <param name="tolerance">Name and expected value → largest absolute difference; finite, 0 = equal.</param>
    /// <param name="what">Where the figures come from, for the message.</param>
    public static void Metrics(
        IReadOnlyDictionary<string, double> expected,
        IReadOnlyDictionary<string, double> actual,
        Func<string, double, double> tolerance,
        string what)
    {
        if (expected.Count == 0)
            Assert.Fail($"{what}: no figures to compare.");
        string[] missing = [.. expected.Keys.Where(name => !actual.ContainsKey(name))];
        if (missing.Length > 0)
            Assert.Fail($"{what}: without {string.Join(", ", missing)}; there are {string.Join(", ", actual.Keys)}.");
        foreach ((string name, double value) in expected)
            Absolute(value, actual[name], tolerance(name, value), $"{what} {name}");
    }

    /// <summary>Each number is NaN on both sides, or on neither and differs by at most <paramref name="tolerance"/>.</summary>
    /// <remarks>The only comparison that lets a NaN pass; for results that are NaN by definition.</remarks>
    public static void WithSameNaN(ReadOnlySpan<double> expected, ReadOnlySpan<double> actual, double tolerance, string what = "")
    {
        if (expected.Length != actual.Length)
            Assert.Fail($"{what}: {actual.Length} entries, expected {expected.Length}.");
        for (int i = 0; i < expected.Length; i++)
            if (!(double.IsNaN(expected[i]) && double.IsNaN(actual[i])))
                Absolute(expected[i], actual[i], tolerance, $"{what}[{i}]");
    }

    /// <summary><paramref name="actual"/> is a number below <paramref name="limit"/>.</summary>
    public static void Below(double limit, double actual, string what = "") => Side(limit, actual, actual < limit, "below", what);

    /// <summary><paramref name="actual"/> is a number above <paramref name="limit"/>.</summary>
    public static void Above(double limit, double actual, string what = "") => Side(limit, actual, actual > limit, "above", what);

    /// <summary>Some entry differs by more than <paramref name="least"/>; all are numbers.</summary>
    public static void Differ(ReadOnlySpan<float> one, ReadOnlySpan<float> other, double least, string what = "") =>
        Above(least, Worst(Wide(one), Wide(other), what).Deviation, what.Length == 0 ? "largest difference" : what);

    private static void Side(double limit, double actual, bool holds, string side, string what)
    {
        if (!double.IsFinite(limit))
            Assert.Fail(Text($"{what}: the limit {limit} is not a finite number."));
        if (!holds || double.IsNaN(actual))
            Assert.Fail(Text($"{what}: {actual:G9} is not {side} {limit:G9}."));
    }

    private static double Compare(
        ReadOnlySpan<double> expected, ReadOnlySpan<double> actual, long[] shape, double tolerance, bool relative, string what)
    {
        if (!double.IsFinite(tolerance) || tolerance < 0)
            Assert.Fail(Text($"{what}: the tolerance {tolerance} is not a finite number, 0 or greater."));
        (int index, double deviation) = Worst(expected, actual, what);
        double size = 1;
        if (relative)
        {
            size = 0;
            foreach (double value in expected)
                size = Math.Max(size, Math.Abs(value));
            if (!double.IsFinite(size))
                Assert.Fail(Text($"{what}: the largest expected entry is {size}; nothing can be relative to it."));
        }
        if (index >= 0 && !(deviation <= tolerance * size))
        {
            string share = relative ? Text($" ({tolerance:G3} of the largest, {size:G3})") : "";
            string values = Text($"expected {expected[index]:G9}, got {actual[index]:G9}; off by {deviation:G3}");
            string allowed = Text($"allowed {tolerance * size:G3}{share}");
            Assert.Fail($"{what}{Place(index, shape)}: {values}, {allowed}; the worst of {expected.Length}.");
        }
        double result = deviation == 0 ? 0 : deviation / size;
        Deviations.Note(what, result, tolerance, relative);
        return result;
    }

    /// <summary>The entry that is furthest off; NaN is further off than any number.</summary>
    private static (int Index, double Deviation) Worst(ReadOnlySpan<double> expected, ReadOnlySpan<double> actual, string what)
    {
        if (expected.Length != actual.Length)
            Assert.Fail($"{what}: {actual.Length} entries, expected {expected.Length}.");
        (int worst, double largest) = (-1, 0);
        for (int i = 0; i < expected.Length; i++)
        {
            double deviation = expected[i] == actual[i] ? 0 : Math.Abs(expected[i] - actual[i]); // equal infinities agree
            if (double.IsNaN(deviation))
                return (i, double.NaN);
            if (worst < 0 || deviation > largest)
                (worst, largest) = (i, deviation);
        }
        return (worst, largest);
    }

    private static double[] Values(Tensor expected, Tensor actual, Tensor? where, string what, out double[] others)
    {
        if (!expected.shape.SequenceEqual(actual.shape))
            Assert.Fail($"{what}: shape [{string.Join(", ", actual.shape)}], expected [{string.Join(", ", expected.shape)}].");
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        (Tensor one, Tensor other) = (expected.detach(), actual.detach());
        if (where is not null)
        {
            Tensor counts = where.ne(0);
            (one, other) = (one[counts], other[counts]);
            if (one.NumberOfElements == 0)
                Assert.Fail($"{what}: no entry counts.");
        }
        others = other.to_type(ScalarType.Float64).cpu().contiguous().data<double>().ToArray();
        return one.to_type(ScalarType.Float64).cpu().contiguous().data<double>().ToArray();
    }

    private static double[] Wide(ReadOnlySpan<float> values)
    {
        double[] wide = new double[values.Length];
        for (int i = 0; i < wide.Length; i++)
            wide[i] = values[i];
        return wide;
    }

    private static string Place(int index, long[] shape)
    {
        var place = new List<long>();
        long rest = index;
        foreach (long size in shape.Reverse())
        {
            place.Insert(0, rest % size);
            rest /= size;
        }
        return place.Count == 0 ? "" : $"[{string.Join(", ", place)}]";
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
