namespace Microsoft.ML.Trl;

/// <summary>Says how good a response to a prompt is; higher is better. PPO asks it for every batch. Scores must be finite.</summary>
public abstract class RewardFunction
{
    private protected RewardFunction() { }

    /// <summary>A function of one prompt and its response.</summary>
    /// <param name="score">Called on the training thread, row after row.</param>
    public static RewardFunction Of(Func<string, string, double> score)
    {
        ArgumentNullException.ThrowIfNull(score);
        return new BatchReward((prompts, responses, _) => [.. prompts.Zip(responses, score)]);
    }

    /// <summary>A function of many prompts and their responses.</summary>
    /// <param name="score">Returns one score per response.</param>
    public static RewardFunction OfBatch(Func<IReadOnlyList<string>, IReadOnlyList<string>, IReadOnlyList<double>> score)
    {
        ArgumentNullException.ThrowIfNull(score);
        return new BatchReward((prompts, responses, _) => score(prompts, responses));
    }

    /// <summary>A function that takes its time, such as a call to a service. The rows of a batch are asked for at once.</summary>
    /// <param name="score">May run on any thread, several times at once.</param>
    public static RewardFunction OfAsync(Func<string, string, CancellationToken, Task<double>> score)
    {
        ArgumentNullException.ThrowIfNull(score);
        return new BatchReward((prompts, responses, cancel) =>
        {
            Task<double>[] Ask() => [.. prompts.Zip(responses, (prompt, response) => score(prompt, response, cancel))];
            return Task.Run(() => Task.WhenAll(Ask()), cancel).GetAwaiter().GetResult();
        });
    }

    /// <summary>A reward model.</summary>
    /// <param name="model">The caller owns it, and disposes it after training.</param>
    public static RewardFunction FromModel(TextRewardModel model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return new BatchReward((prompts, responses, _) => Array.ConvertAll(model.Score(prompts, responses), score => (double)score));
    }

    /// <summary>A column of numbers that a transformer makes: a reward model, a classifier, a whole pipeline.</summary>
    /// <param name="transformer">Gets text columns <c>Prompt</c>, <c>Completion</c>, <c>Text</c> (both in one). The caller owns it.</param>
    /// <param name="scoreColumnName">
    /// Column of numbers or of vectors of numbers; null = <c>Score</c>, or <c>Probability</c> where there is no <c>Score</c>.
    /// </param>
    /// <param name="slot">Which number of a vector, from 0: the class that is wanted. Null where the column holds single numbers.</param>
    public static RewardFunction FromTransformer(ITransformer transformer, string? scoreColumnName = null, int? slot = null)
    {
        ArgumentNullException.ThrowIfNull(transformer);
        return new TransformerReward(transformer, scoreColumnName, slot);
    }

    /// <summary>Several rewards, each times its weight.</summary>
    /// <param name="parts">At least one; weights are finite numbers and may be negative.</param>
    public static RewardFunction WeightedSum(params IReadOnlyList<(RewardFunction Reward, double Weight)> parts)
    {
        ArgumentNullException.ThrowIfNull(parts);
        return new WeightedReward(parts);
    }

    /// <summary>Finds what is wrong before training begins.</summary>
    internal virtual void Check(MLContext ml) { }

    /// <summary>One score per response.</summary>
    internal abstract IReadOnlyList<double> Score(
        MLContext ml, IReadOnlyList<string> prompts, IReadOnlyList<string> responses, CancellationToken cancel);
}

/// <summary>A function of prompts and responses.</summary>
internal sealed class BatchReward(
    Func<IReadOnlyList<string>, IReadOnlyList<string>, CancellationToken, IReadOnlyList<double>> score) : RewardFunction
{
    internal override IReadOnlyList<double> Score(
        MLContext ml, IReadOnlyList<string> prompts, IReadOnlyList<string> responses, CancellationToken cancel) =>
        score(prompts, responses, cancel);
}

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

    internal override IReadOnlyList<double> Score(
        MLContext ml, IReadOnlyList<string> prompts, IReadOnlyList<string> responses, CancellationToken cancel)
    {
        var sums = new double[responses.Count];
        foreach ((RewardFunction reward, double weight) in _parts)
        {
            IReadOnlyList<double> scores = reward.Score(ml, prompts, responses, cancel);
            if (scores.Count != sums.Length)
                throw new InvalidOperationException(
                    $"One of the weighted rewards gave {scores.Count} scores for {sums.Length} responses; it must give one for each.");
            for (int row = 0; row < sums.Length; row++)
                sums[row] += weight * scores[row];
        }
        return sums;
    }
}
