namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>A function of rows.</summary>
internal sealed class BatchReward(string name, Func<IReadOnlyList<RewardRow>, IReadOnlyList<double?>> score) : RewardFunction(name)
{
    internal override BoundReward Bind(RewardContext context) => (rows, _) => Task.FromResult(score(rows));

    /// <summary>Scores of a reward that always applies.</summary>
    public static IReadOnlyList<double?> Wide(IReadOnlyList<double>? scores) =>
        scores is null ? null! : [.. scores.Select(score => (double?)score)];
}

/// <summary>A function of rows and of their columns, which are read once.</summary>
internal sealed class ColumnsReward<TRow>(
    string name, Func<IReadOnlyList<TRow>, IReadOnlyList<RewardRow>, IReadOnlyList<double?>> score) : RewardFunction(name)
    where TRow : class, new()
{
    internal override void Check(MLContext ml, DataViewSchema data) => TypedRows.Check<TRow>(data, "The reward function");

    internal override BoundReward Bind(RewardContext context)
    {
        TRow[] data = [.. context.Ml.Data.CreateEnumerable<TRow>(context.Data, reuseRowObject: false)];
        return (rows, _) => Task.FromResult(score([.. rows.Select(row => data[row.Row])], rows));
    }
}

/// <summary>A function that is awaited, for several rows at once.</summary>
internal sealed class AsyncReward(string name, Func<RewardRow, CancellationToken, Task<double?>> score, int atOnce) : RewardFunction(name)
{
    internal override bool IsAwaited => true;

    internal override BoundReward Bind(RewardContext context) => async (rows, cancel) =>
        await ConcurrentCalls.RunAsync(rows.Count, atOnce, (row, token) => score(rows[row], token), cancel).ConfigureAwait(false);

    /// <summary>A function that always applies.</summary>
    public static Func<RewardRow, CancellationToken, Task<double?>> Wide(Func<RewardRow, CancellationToken, Task<double>> score) =>
        async (row, cancel) => await ConcurrentCalls.Started(score(row, cancel)).ConfigureAwait(false);
}

/// <summary>A reward model.</summary>
internal sealed class ModelReward(TextRewardModel model) : RewardFunction(model.Name)
{
    internal override TextRewardModel Model => model;

    internal override BoundReward Bind(RewardContext context) => (rows, _) =>
    {
        Answer[] answers = [.. rows.Select(row => new Answer([.. row.PromptIds], [.. row.CompletionIds], row.Completion, row.HasEnded))];
        float[] scores = AnswerScorer.Score(model, context.Tokenizer, [.. rows.Select(row => row.Read)], answers);
        return Task.FromResult<IReadOnlyList<double?>>(Array.ConvertAll(scores, score => (double?)score));
    };
}

/// <summary>Several rewards, each times its weight.</summary>
internal sealed class WeightedReward : RewardFunction
{
    private readonly RewardFunction[] _rewards;
    private readonly double[] _weights;

    public WeightedReward(IReadOnlyList<(RewardFunction Reward, double Weight)> parts)
        : base("weighted_sum")
    {
        if (parts.Count == 0)
            throw new ArgumentException("A weighted sum needs at least one reward.", nameof(parts));
        foreach ((RewardFunction reward, double weight) in parts)
        {
            ArgumentNullException.ThrowIfNull(reward, nameof(parts));
            if (!double.IsFinite(weight))
                throw new ArgumentException(
                    FormattableString.Invariant($"A weight is {weight}; weights must be finite numbers."), nameof(parts));
        }
        _rewards = [.. parts.Select(part => part.Reward)];
        _weights = [.. parts.Select(part => part.Weight)];
    }

    internal override bool IsAwaited => _rewards.Any(reward => reward.IsAwaited);

    internal override void Check(MLContext ml, DataViewSchema data)
    {
        foreach (RewardFunction reward in _rewards)
            reward.Check(ml, data);
    }

    internal override BoundReward Bind(RewardContext context)
    {
        var parts = new RewardGroup(_rewards, context);
        return async (rows, cancel) =>
        {
            RewardTable table = await parts.Score(rows, cancel).ConfigureAwait(false);
            return table.WeightedSums(_weights);
        };
    }
}
