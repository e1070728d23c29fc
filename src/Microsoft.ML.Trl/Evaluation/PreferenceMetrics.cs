namespace Microsoft.ML.Trl;

/// <summary>How well scores agree with preferences.</summary>
/// <param name="Accuracy">Share of pairs whose better answer has the higher score.</param>
/// <param name="Margin">Mean of better minus worse score.</param>
/// <param name="ChosenMean">Mean score of the better answers.</param>
/// <param name="RejectedMean">Mean score of the worse answers.</param>
/// <param name="Pairs">Pairs that were compared; those left out for their length are not among them.</param>
public sealed record PreferenceMetrics(double Accuracy, double Margin, double ChosenMean, double RejectedMean, int Pairs)
{
    internal static PreferenceMetrics Of(IReadOnlyList<double> chosen, IReadOnlyList<double> rejected)
    {
        double[] margins = [.. chosen.Zip(rejected, (better, worse) => better - worse)];
        return new PreferenceMetrics(
            margins.Average(margin => margin > 0 ? 1.0 : 0.0), margins.Average(), chosen.Average(), rejected.Average(), margins.Length);
    }
}
