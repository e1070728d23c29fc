using System.Globalization;
using System.Net;
using System.Text;

namespace Microsoft.ML.Trl;

/// <summary>A line of a picture.</summary>
/// <param name="Name">For the legend.</param>
/// <param name="Points">In order; numbers that are not finite are left out.</param>
internal sealed record Curve(string Name, IReadOnlyList<(double X, double Y)> Points);

/// <summary>Draws how figures of a training went, as SVG: a text that browsers show and that needs no library to be drawn.</summary>
public static class CurvePicture
{
    private const double Width = 720, Height = 420, Left = 70, Right = 20, Top = 40, Bottom = 50;
    private const int Ticks = 5;

    private static readonly string[] s_colours = ["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd", "#8c564b", "#e377c2", "#7f7f7f"];

    /// <summary>Metrics over the steps of a run, a curve each.</summary>
    /// <param name="reports">Of a stage, such as <see cref="TextGenerationTransformer.Reports"/>; some may lack a metric.</param>
    /// <param name="metrics">Keys of <see cref="StepReport.Metrics"/>, at least one.</param>
    /// <returns>A whole SVG document, 720 × 420 pixels.</returns>
    /// <exception cref="ArgumentException">No metric is named, or no report has one of them; the message says which there are.</exception>
    /// <example><c>File.WriteAllText("rewards.svg", CurvePicture.Svg(model.Reports, "reward", "reward_selected"));</c></example>
    public static string Svg(IReadOnlyList<StepReport> reports, params IReadOnlyList<string> metrics)
    {
        ArgumentNullException.ThrowIfNull(reports);
        ArgumentNullException.ThrowIfNull(metrics);
        if (metrics.Count == 0)
            throw new ArgumentException("No metric is named; name at least one, such as loss.", nameof(metrics));
        foreach (string metric in metrics)
            if (metric is null || !reports.Any(report => report.Metrics.ContainsKey(metric)))
                throw new ArgumentException(
                    $"No report has the metric '{metric}'; the reports have "
                    + $"{string.Join(", ", reports.SelectMany(report => report.Metrics.Keys).Distinct().Order(StringComparer.Ordinal))}.",
                    nameof(metrics));
        return Svg("step", [.. metrics.Select(metric => new Curve(
            metric,
            [.. reports.Where(report => report.Metrics.ContainsKey(metric)).Select(report => ((double)report.Step, report[metric]))]))]);
    }

    /// <summary>The same of any curves.</summary>
    /// <param name="axis">What the horizontal axis counts.</param>
    /// <param name="curves">At least one.</param>
    internal static string Svg(string axis, IReadOnlyList<Curve> curves)
    {
        (double X, double Y)[] all = [.. curves.SelectMany(curve => Finite(curve))];
        (double Low, double High) x = Range(all.Select(point => point.X)), y = Range(all.Select(point => point.Y));
        double Across(double value) => Left + ((value - x.Low) / (x.High - x.Low) * (Width - Left - Right));
        double Up(double value) => Height - Bottom - ((value - y.Low) / (y.High - y.Low) * (Height - Top - Bottom));
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{Width}\" height=\"{Height}\" ")
            .Append("font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
        for (int tick = 0; tick <= Ticks; tick++)
        {
            double atX = x.Low + ((x.High - x.Low) * tick / Ticks), atY = y.Low + ((y.High - y.Low) * tick / Ticks);
            Line(svg, Left, Up(atY), Width - Right, Up(atY), "#dddddd");
            Label(svg, Left - 8, Up(atY) + 4, "end", Number(atY));
            Label(svg, Across(atX), Height - Bottom + 18, "middle", Number(atX));
        }
        Line(svg, Left, Height - Bottom, Width - Right, Height - Bottom, "black");
        Line(svg, Left, Top, Left, Height - Bottom, "black");
        Label(svg, (Left + Width - Right) / 2, Height - 12, "middle", axis);
        for (int number = 0; number < curves.Count; number++)
        {
            string colour = s_colours[number % s_colours.Length];
            string[] points = [.. Finite(curves[number]).Select(point => $"{Number(Across(point.X))},{Number(Up(point.Y))}")];
            svg.Append(CultureInfo.InvariantCulture, $"<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" ")
                .Append(CultureInfo.InvariantCulture, $"points=\"{string.Join(' ', points)}\"/>\n");
            foreach (string[] place in points.Select(point => point.Split(',')))
                svg.Append(
                    CultureInfo.InvariantCulture, $"<circle cx=\"{place[0]}\" cy=\"{place[1]}\" r=\"3\" fill=\"{colour}\"/>\n");
            Line(svg, Left + 10 + (number * 200), 20, Left + 34 + (number * 200), 20, colour);
            Label(svg, Left + 40 + (number * 200), 24, "start", curves[number].Name);
        }
        return svg.Append("</svg>\n").ToString();
    }

    private static IEnumerable<(double X, double Y)> Finite(Curve curve) =>
        curve.Points.Where(point => double.IsFinite(point.X) && double.IsFinite(point.Y));

    /// <summary>From the least to the greatest; a half to both sides of a single one.</summary>
    private static (double Low, double High) Range(IEnumerable<double> values)
    {
        double[] all = [.. values.DefaultIfEmpty(0)];
        return all.Max() > all.Min() ? (all.Min(), all.Max()) : (all[0] - 0.5, all[0] + 0.5);
    }

    private static string Number(double value) => value.ToString("0.####", CultureInfo.InvariantCulture);

    private static void Line(StringBuilder svg, double x1, double y1, double x2, double y2, string colour) => svg.Append(
        CultureInfo.InvariantCulture,
        $"<line x1=\"{Number(x1)}\" y1=\"{Number(y1)}\" x2=\"{Number(x2)}\" y2=\"{Number(y2)}\" stroke=\"{colour}\"/>\n");

    private static void Label(StringBuilder svg, double x, double y, string anchor, string text) => svg.Append(
        CultureInfo.InvariantCulture,
        $"<text x=\"{Number(x)}\" y=\"{Number(y)}\" text-anchor=\"{anchor}\">{WebUtility.HtmlEncode(text)}</text>\n");
}
