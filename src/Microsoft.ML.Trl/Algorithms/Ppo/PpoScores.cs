namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>From the scores as given to those that are learnt from: scaling, centring and clipping of the options, in this order.</summary>
internal sealed class PpoScores(PpoOptions options)
{
    private const double Tiny = 1.1920929e-7; // float32's epsilon, as in TRL

    private readonly RunningMoments _seen = new();

    public double[] Shape(IReadOnlyList<double> scores)
    {
        double[] shaped = [.. scores];
        if (options.UseScoreScaling)
        {
            _seen.Update(shaped);
            double centre = options.UseScoreNorm ? _seen.Mean : 0;
            shaped = Array.ConvertAll(shaped, score => (score - centre) / (_seen.Std + Tiny));
        }
        return options.ScoreClip is { } limit
            ? Array.ConvertAll(shaped, score => Math.Clamp(score, -limit, limit))
            : shaped;
    }
}
