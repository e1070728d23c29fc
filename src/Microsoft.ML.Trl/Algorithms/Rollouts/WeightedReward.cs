namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Several rewards, each times its weight.</summary>
internal sealed class WeightedReward : RewardFunction
{
    private readonly IReadOnlyList<(RewardFunction Reward, double Weight)> _parts;

    public WeightedReward(IReadOnlyList<(RewardFunction Reward, double Weight)> parts)
    {
        if (parts.Count == 0)
            throw new ArgumentException("A weighted sum needs at least one reward.", nameof(parts));
        foreach ((RewardFunction reward, double weight) in parts)
        {
            ArgumentNullException.ThrowIfNull(reward, nameof(parts));
            if (!double.IsFinite(weight))
                throw new ArgumentException($"A weight is {weight}; weights must be finite numbers.", nameof(parts));
        }
        _parts = [.. parts];
    }

    internal override void Check(MLContext ml)
    {
        foreach ((RewardFunction reward, _) in _parts)
            reward.Check(ml);
    }

    internal override IReadOnlyList<double> Score(MLContext ml, IReadOnlyList<string> prompts, IReadOnlyList<string> responses, CancellationToken cancel)
    {
        var sums = new double[responses.Count];
        foreach ((RewardFunction reward, double weight) in _parts)
        {
            IReadOnlyList<double> scores = reward.Score(ml, prompts, responses, cancel);
            if (scores.Count != sums.Length)
                throw new InvalidOperationException($"One of the weighted rewards gave {scores.Count} scores for {sums.Length} responses; it must give one for each.");
            for (int row = 0; row < sums.Length; row++)
                sums[row] += weight * scores[row];
        }
        return sums;
    }
}
