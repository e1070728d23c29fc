using ScottPlot;
using ScottPlot.Plottables;

namespace PositiveReviewsSample;

/// <summary>Reward over KL: what a method gains, and how far it goes from the SFT policy for it.</summary>
internal static class ParetoPicture
{
    /// <summary>Writes a PNG: small points along training, a large one for the result, a dashed line for the front.</summary>
    public static void Save(IReadOnlyList<PolicyFigures> policies, string path)
    {
        using var plot = new Plot();
        var palette = new ScottPlot.Palettes.Category10();
        for (int i = 0; i < policies.Count; i++)
            Draw(plot, policies[i], palette.GetColor(i));

        IReadOnlyList<PolicyFigures> front = MethodTable.Front(policies);
        Scatter line = plot.Add.Scatter(Column(front, row => row.Kl), Column(front, row => row.Score), Colors.Black);
        line.LinePattern = LinePattern.Dashed;
        line.MarkerSize = 0;
        line.LegendText = "Pareto front";

        plot.Title("Reward over KL");
        plot.XLabel("KL to the SFT policy, nats per completion");
        plot.YLabel("mean score of the judge");
        plot.ShowLegend(Alignment.LowerRight);
        plot.SavePng(path, 1000, 650);
    }

    private static void Draw(Plot plot, PolicyFigures policy, Color color)
    {
        if (policy.Path.Count > 0)
        {
            double[] kl = [.. policy.Path.Select(point => point.Kl)], score = [.. policy.Path.Select(point => point.Score)];
            Scatter way = plot.Add.Scatter(kl, score, color.WithAlpha(0.35));
            way.MarkerSize = 4;
        }
        Marker result = plot.Add.Marker(policy.Kl, policy.Score, MarkerShape.FilledCircle, 12, color);
        result.LegendText = policy.Method;
    }

    private static double[] Column(IReadOnlyList<PolicyFigures> policies, Func<PolicyFigures, double> figure) =>
        [.. policies.Select(figure)];
}
