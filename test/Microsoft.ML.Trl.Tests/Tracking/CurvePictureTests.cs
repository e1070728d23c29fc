using System.Globalization;
using System.Xml.Linq;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Tracking;

[TestClass]
public sealed class CurvePictureTests
{
    private static readonly XNamespace Svg = "http://www.w3.org/2000/svg";

    [TestMethod]
    public void Each_metric_is_a_line_between_the_axes()
    {
        StepReport[] reports =
        [
            Report(1, ("reward", 0), ("reward_selected", 2)), Report(2, ("loss", 5)),
            Report(3, ("reward", 1), ("reward_selected", double.NaN)), Report(5, ("reward", 4), ("reward_selected", 3)),
        ];
        XDocument picture = XDocument.Parse(CurvePicture.Svg(reports, "reward", "reward_selected"));
        double[][][] lines = [.. picture.Descendants(Svg + "polyline").Select(Points)];
        Assert.HasCount(2, lines);
        // 1 to 5 across 70 to 700, 0 to 4 up 370 to 40
        Close.Absolute([70.0, 370], lines[0][0], 1e-3);
        Close.Absolute([385.0, 287.5], lines[0][1], 1e-3);
        Close.Absolute([700.0, 40], lines[0][2], 1e-3);
        Close.Absolute([70.0, 205], lines[1][0], 1e-3);
        Close.Absolute([700.0, 122.5], lines[1][1], 1e-3, "what is no number is left out");
        Assert.HasCount(5, [.. picture.Descendants(Svg + "circle")]);
        string[] texts = [.. picture.Descendants(Svg + "text").Select(text => text.Value)];
        CollectionAssert.IsSubsetOf(new[] { "reward", "reward_selected", "step", "0", "4", "1", "5" }, texts);
    }

    [TestMethod]
    public void A_single_point_and_a_name_with_markup_are_drawn()
    {
        XDocument picture = XDocument.Parse(CurvePicture.Svg([Report(7, ("a<b", 3))], "a<b"));
        Close.Absolute([385.0, 205], Points(picture.Descendants(Svg + "polyline").Single())[0], 1e-3, "in the middle");
        Assert.IsTrue(picture.Descendants(Svg + "text").Any(text => text.Value == "a<b"));
    }

    private static double[][] Points(XElement line) =>
    [
        .. line.Attribute("points")!.Value.Split(' ').Select(
            point => point.Split(',').Select(number => double.Parse(number, CultureInfo.InvariantCulture)).ToArray()),
    ];

    private static StepReport Report(int step, params (string Name, double Value)[] metrics) =>
        new("RAFT", step, 5, metrics.ToDictionary(metric => metric.Name, metric => metric.Value), 0, TimeSpan.Zero);
}
