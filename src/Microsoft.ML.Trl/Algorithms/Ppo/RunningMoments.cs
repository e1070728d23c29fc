namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>Mean and standard deviation of all scores seen so far, merged batch by batch (Chan's parallel variance).</summary>
public sealed class RunningMoments
{
    private double _count = 1e-24; // TRL's: no division by zero before the first batch

    /// <summary>Mean of what was seen; 0 at the start.</summary>
    public double Mean { get; private set; }

    /// <summary>Unbiased standard deviation of what was seen; 1 at the start and after a single number.</summary>
    public double Std { get; private set; } = 1;

    /// <summary>Biased variance of what was seen; 1 at the start.</summary>
    public double Variance { get; private set; } = 1;

    /// <summary>How many numbers were seen.</summary>
    public double Count => Math.Round(_count);

    /// <summary>Takes a batch in.</summary>
    /// <param name="batch">At least one finite number.</param>
    /// <returns>Mean and unbiased standard deviation of this batch alone; the latter is 0 for a single number.</returns>
    /// <exception cref="ArgumentException">The batch is empty, or one of its numbers is not finite.</exception>
    public (double Mean, double Std) Update(IReadOnlyList<double> batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        if (batch.Count == 0)
            throw new ArgumentException("The batch is empty; moments need at least one number.", nameof(batch));
        for (int i = 0; i < batch.Count; i++)
            if (!double.IsFinite(batch[i]))
                throw new ArgumentException(
                    FormattableString.Invariant($"The number {i} of the batch is {batch[i]}; moments need finite numbers."), nameof(batch));
        double mean = batch.Average();
        double squares = batch.Sum(x => (x - mean) * (x - mean));
        double total = _count + batch.Count;
        double shift = mean - Mean;
        double sum = squares + (Variance * _count) + (shift * shift * _count * batch.Count / total);
        Mean += shift * batch.Count / total;
        Variance = sum / total;
        _count = total;
        if (Count > 1)
            Std = Math.Sqrt(sum / (total - 1));
        return (mean, batch.Count > 1 ? Math.Sqrt(squares / (batch.Count - 1)) : 0);
    }
}

/// <summary>From the scores as given to those that are learnt from: scaling, centring and clipping of the options, in this order.</summary>
internal sealed class ScoreShaping(PpoOptions options)
{
    private const double Tiny = 1.1920929e-7; // float32's epsilon, as in TRL

    private readonly RunningMoments _seen = new();

    public double[] Shape(IReadOnlyList<double> scores)
    {
        double[] shaped = [.. scores];
        if (options.UseScoreScaling)
        {
            _seen.Update(shaped);
            double center = options.UseScoreNorm ? _seen.Mean : 0;
            shaped = Array.ConvertAll(shaped, score => (score - center) / (_seen.Std + Tiny));
        }
        return options.ScoreClip is { } limit ? Array.ConvertAll(shaped, score => Math.Clamp(score, -limit, limit)) : shaped;
    }
}
