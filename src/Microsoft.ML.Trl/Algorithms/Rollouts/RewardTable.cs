namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>What reward functions say of the responses of a step: a number for each, or null where a function does not apply.</summary>
internal sealed class RewardTable
{
    /// <summary>Puts the columns together.</summary>
    /// <param name="names">[R] what metrics call the functions.</param>
    /// <param name="columns">[R][N]</param>
    /// <param name="rows">N; null = as many as the first column has.</param>
    public RewardTable(IReadOnlyList<string> names, IReadOnlyList<IReadOnlyList<double?>> columns, int? rows = null) =>
        (Names, Columns, RowCount) = (names, columns, rows ?? columns[0].Count);

    /// <summary>[R] what metrics call the functions.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>[R][N] finite, or null where the function does not apply.</summary>
    public IReadOnlyList<IReadOnlyList<double?>> Columns { get; }

    /// <summary>N responses.</summary>
    public int RowCount { get; }

    /// <summary>What the functions told beside their numbers.</summary>
    public RewardLog Log { get; init; } = new();

    /// <summary>What a function says of a response.</summary>
    public double? this[int row, int function] => Columns[function][row];

    /// <summary>The table of a single function that applies to all rows.</summary>
    public static RewardTable Of(IReadOnlyList<double> scores) => new(["reward"], [BatchReward.Wide(scores)]);

    /// <summary>The scores, if there is a finite number or null per response.</summary>
    /// <exception cref="RewardFunctionException">There is not.</exception>
    public static IReadOnlyList<double?> Checked(IReadOnlyList<double?>? scores, int responses, string who, int step)
    {
        if (scores is null || scores.Count != responses)
            throw new RewardFunctionException(
                step,
                $"{who} gave {(scores is null ? "null" : $"{scores.Count} scores")} for {responses} responses; it must give one for each.");
        for (int row = 0; row < scores.Count; row++)
            if (scores[row] is { } score && !double.IsFinite(score))
                throw new RewardFunctionException(
                    step,
                    FormattableString.Invariant($"{who} gave {score} for row {row} of the batch; ")
                    + "scores must be finite numbers, or null where the reward does not apply.");
        return scores;
    }

    /// <summary>The weighted sum of each row over the functions that apply to it, as TRL's nansum.</summary>
    /// <param name="weights">[R]</param>
    /// <returns>[N] null where no function applies.</returns>
    public double?[] WeightedSums(IReadOnlyList<double> weights)
    {
        var sums = new double?[RowCount];
        for (int row = 0; row < sums.Length; row++)
            for (int function = 0; function < Columns.Count; function++)
                if (this[row, function] is { } score)
                    sums[row] = (sums[row] ?? 0) + (weights[function] * score);
        return sums;
    }

    /// <summary>The scores of a method that can leave none out.</summary>
    /// <param name="method">Its name.</param>
    /// <param name="step">Counted from 1.</param>
    /// <returns>[N]</returns>
    /// <exception cref="RewardFunctionException">One is null.</exception>
    public IReadOnlyList<double> Complete(string method, int step)
    {
        int missing = Columns[0].ToList().IndexOf(null);
        return missing < 0
            ? [.. Columns[0].Select(score => score!.Value)]
            : throw new RewardFunctionException(
                step,
                $"the reward function gave null for row {missing} of the batch, but {method} can leave no response out. "
                + "Give a number, such as 0, where the reward does not apply, or add one that always does with WeightedSum.");
    }

    /// <summary>Mean and deviation of each function over the rows that it applies to, and the metrics that the functions logged.</summary>
    /// <returns>TRL's keys. A function that applies to no row has no mean, one that applies to a single row no deviation.</returns>
    public IReadOnlyDictionary<string, double> Metrics()
    {
        Dictionary<string, double> metrics = new(Log.Metrics());
        for (int function = 0; function < Names.Count; function++)
        {
            double[] scores = [.. Columns[function].OfType<double>()];
            if (scores.Length > 0)
                metrics[$"rewards/{Names[function]}/mean"] = scores.Average();
            if (scores.Length > 1)
                metrics[$"rewards/{Names[function]}/std"] = KnownScores.Deviation(scores);
        }
        return metrics;
    }

    /// <summary>What each function says of a response.</summary>
    public IReadOnlyDictionary<string, double?> Row(int row) =>
        Names.Zip(Columns, (name, column) => (name, column[row])).ToDictionary(entry => entry.name, entry => entry.Item2);
}
