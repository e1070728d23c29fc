using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>A function of rows.</summary>
internal sealed class BatchReward(BoundReward score) : RewardFunction
{
    internal override BoundReward Bind(RewardContext context) => score;
}

/// <summary>A function of rows and of their columns, which are read once.</summary>
internal sealed class ColumnsReward<TRow>(
    Func<IReadOnlyList<TRow>, IReadOnlyList<RewardRow>, CancellationToken, IReadOnlyList<double>> score) : RewardFunction
    where TRow : class, new()
{
    internal override void Check(MLContext ml, DataViewSchema data)
    {
        foreach (string name in SchemaDefinition.Create(typeof(TRow)).Select(column => column.ColumnName))
            if (data.GetColumnOrNull(name) is null)
                throw new ArgumentException(
                    $"The reward function reads rows as {typeof(TRow).Name}, which has a column '{name}', but the data have none; "
                    + $"their columns are {string.Join(", ", data.Select(column => column.Name).Distinct())}. "
                    + $"Add the column, or take it out of {typeof(TRow).Name}.");
    }

    internal override BoundReward Bind(RewardContext context)
    {
        TRow[] data = [.. context.Ml.Data.CreateEnumerable<TRow>(context.Data, reuseRowObject: false)];
        return (rows, cancel) => score([.. rows.Select(row => data[row.Row])], rows, cancel);
    }
}

/// <summary>A function that is awaited, for several rows at once.</summary>
internal sealed class AsyncReward(Func<RewardRow, CancellationToken, Task<double>> score, int atOnce) : RewardFunction
{
    internal override BoundReward Bind(RewardContext context) => (rows, cancel) => ScoreAll(rows, cancel).GetAwaiter().GetResult();

    private async Task<double[]> ScoreAll(IReadOnlyList<RewardRow> rows, CancellationToken cancel)
    {
        var scores = new double[rows.Count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = atOnce, CancellationToken = cancel };
        await Parallel.ForAsync(0, rows.Count, options, async (row, token) =>
            scores[row] = await Started(rows[row], token).ConfigureAwait(false)).ConfigureAwait(false);
        return scores;
    }

    private Task<double> Started(RewardRow row, CancellationToken cancel) => score(row, cancel)
        ?? throw new InvalidOperationException("The function of OfAsync gave null; it must give a task.");
}

/// <summary>A reward model.</summary>
internal sealed class ModelReward(TextRewardModel model) : RewardFunction
{
    internal override BoundReward Bind(RewardContext context) => (rows, _) =>
    {
        Answer[] answers = [.. rows.Select(row => new Answer([.. row.PromptIds], [.. row.CompletionIds], row.Completion, row.HasEnded))];
        float[] scores = AnswerScorer.Score(model, context.Tokenizer, [.. rows.Select(row => row.Read)], answers);
        return Array.ConvertAll(scores, score => (double)score);
    };
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
                throw new ArgumentException(
                    FormattableString.Invariant($"A weight is {weight}; weights must be finite numbers."), nameof(parts));
        }
        _parts = [.. parts];
    }

    internal override void Check(MLContext ml, DataViewSchema data)
    {
        foreach ((RewardFunction reward, _) in _parts)
            reward.Check(ml, data);
    }

    internal override BoundReward Bind(RewardContext context)
    {
        (BoundReward Score, double Weight)[] parts = [.. _parts.Select(part => (part.Reward.Bind(context), part.Weight))];
        return (rows, cancel) =>
        {
            var sums = new double[rows.Count];
            foreach ((BoundReward score, double weight) in parts)
            {
                IReadOnlyList<double> scores = score(rows, cancel);
                if (scores is null || scores.Count != sums.Length)
                    throw new InvalidOperationException(
                        $"One of the weighted rewards gave {(scores is null ? "null" : $"{scores.Count} scores")} for {sums.Length} "
                        + "completions; it must give one score for each.");
                for (int row = 0; row < sums.Length; row++)
                    sums[row] += weight * scores[row];
            }
            return sums;
        };
    }
}
