namespace Microsoft.ML.Trl.Algorithms.Ddpo;

/// <summary>What is known of the rewards of a prompt.</summary>
/// <param name="Mean">Of those that are kept.</param>
/// <param name="Deviation">The same; over the count, not the count less one.</param>
/// <param name="Count">How many are kept.</param>
public sealed record PromptStatistics(double Mean, double Deviation, int Count);

/// <summary>
/// Whitens rewards by the latest ones of the same prompt, so that an easy prompt is no merit: arXiv:2305.13301, Section 4.3; TRL's
/// <c>PerPromptStatTracker</c>.
/// </summary>
public sealed class PerPromptStatistics
{
    private const double Epsilon = 1e-6;

    private readonly Dictionary<string, Queue<double>> _kept = new(StringComparer.Ordinal);
    private readonly int _bufferSize, _minCount;

    /// <summary>Knows nothing yet.</summary>
    /// <param name="bufferSize">Rewards that are kept of each prompt, the latest; at least 1.</param>
    /// <param name="minCount">Below so many the mean and deviation of the whole batch are used; at least 0.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is too small.</exception>
    public PerPromptStatistics(int bufferSize, int minCount)
    {
        Require.AtLeast(bufferSize, 1);
        Require.AtLeast(minCount, 0);
        (_bufferSize, _minCount) = (bufferSize, minCount);
    }

    /// <summary>What is known of each prompt so far. New each time.</summary>
    public IReadOnlyDictionary<string, PromptStatistics> Statistics => _kept.ToDictionary(each => each.Key, each => Of(each.Value));

    /// <summary>Takes in the rewards of a batch, and whitens them.</summary>
    /// <param name="prompts">[B].</param>
    /// <param name="rewards">[B] finite.</param>
    /// <returns>[B] (reward - mean) / (deviation + 1e-6).</returns>
    /// <exception cref="ArgumentException">There are not as many of both, a prompt is null, or a reward is not finite.</exception>
    public double[] Update(IReadOnlyList<string> prompts, IReadOnlyList<double> rewards)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        ImageRewards.Check(rewards, prompts.Count);
        if (prompts.Contains(null))
            throw new ArgumentException("A prompt is null; give texts.", nameof(prompts));
        foreach ((string prompt, double reward) in prompts.Zip(rewards))
        {
            if (!_kept.TryGetValue(prompt, out Queue<double>? kept))
                _kept[prompt] = kept = new Queue<double>();
            kept.Enqueue(reward);
            if (kept.Count > _bufferSize)
                kept.Dequeue();
        }
        PromptStatistics batch = Of(rewards);
        Dictionary<string, PromptStatistics> used = prompts.Distinct().ToDictionary(
            prompt => prompt, prompt => _kept[prompt].Count < _minCount ? batch : Of(_kept[prompt]));
        return [.. prompts.Zip(rewards, (prompt, reward) => (reward - used[prompt].Mean) / (used[prompt].Deviation + Epsilon))];
    }

    /// <summary>Mean and deviation of numbers; 0 where there are none.</summary>
    internal static PromptStatistics Of(IReadOnlyCollection<double> numbers)
    {
        if (numbers.Count == 0)
            return new PromptStatistics(0, 0, 0);
        double mean = numbers.Average();
        return new PromptStatistics(mean, Math.Sqrt(numbers.Average(number => (number - mean) * (number - mean))), numbers.Count);
    }
}

/// <summary>Rewards of a batch of images.</summary>
internal static class ImageRewards
{
    private const double Epsilon = 1e-8;

    /// <summary>Fails unless there are so many, and all are finite.</summary>
    /// <exception cref="ArgumentException">There are others, or one is not finite.</exception>
    public static void Check(IReadOnlyList<double> rewards, int count)
    {
        ArgumentNullException.ThrowIfNull(rewards);
        if (rewards.Count != count)
            throw new ArgumentException($"There are {rewards.Count} rewards for {count} images; give one each.", nameof(rewards));
        for (int row = 0; row < count; row++)
            if (!double.IsFinite(rewards[row]))
                throw new ArgumentException(
                    FormattableString.Invariant($"Reward {row} is {rewards[row]}; rewards must be finite numbers."), nameof(rewards));
    }

    /// <summary>(reward - mean) / (deviation + 1e-8).</summary>
    public static double[] Whiten(IReadOnlyList<double> rewards)
    {
        PromptStatistics all = PerPromptStatistics.Of(rewards);
        return [.. rewards.Select(reward => (reward - all.Mean) / (all.Deviation + Epsilon))];
    }
}
