namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>
/// Rewards that are asked about the same rows. Those that are awaited run at the same time, beside the others, which run one after the
/// other on the thread that asks. When one fails the rest are asked to stop, and none is left running.
/// </summary>
internal sealed class RewardGroup
{
    private readonly string[] _names;
    private readonly BoundReward[] _rewards;
    private readonly int[] _order; // the awaited ones first

    /// <param name="rewards">Any number.</param>
    /// <param name="context">What they are asked in.</param>
    public RewardGroup(IReadOnlyList<RewardFunction> rewards, RewardContext context)
    {
        _names = RewardNames.Unique([.. rewards.Select(reward => reward.Name)]);
        _rewards = [.. rewards.Select(reward => reward.Bind(context))];
        _order = [.. Enumerable.Range(0, rewards.Count).OrderBy(reward => rewards[reward].IsAwaited ? 0 : 1)];
    }

    /// <summary>What they say.</summary>
    /// <param name="rows">At least one.</param>
    /// <param name="cancel">Asks to stop early.</param>
    /// <exception cref="RewardFunctionException">
    /// A reward threw, or did not give a finite number or null for each row; the message names it.
    /// </exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public async Task<RewardTable> Score(IReadOnlyList<RewardRow> rows, CancellationToken cancel)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var columns = new Task<IReadOnlyList<double?>>[_rewards.Length];
        foreach (int reward in _order)
            columns[reward] = Ask(reward, rows, stop, cancel);
        return new RewardTable(_names, await Task.WhenAll(columns).ConfigureAwait(false), rows.Count);
    }

    private async Task<IReadOnlyList<double?>> Ask(
        int reward, IReadOnlyList<RewardRow> rows, CancellationTokenSource stop, CancellationToken cancel)
    {
        string who = _names.Length == 1 ? "the reward function" : $"the reward function '{_names[reward]}'";
        int step = rows[0].Step;
        try
        {
            stop.Token.ThrowIfCancellationRequested();
            return RewardTable.Checked(await _rewards[reward](rows, stop.Token).ConfigureAwait(false), rows.Count, who, step);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            throw;
        }
        catch (Exception cause)
        {
            await stop.CancelAsync().ConfigureAwait(false);
            cancel.ThrowIfCancellationRequested();
            throw cause as RewardFunctionException
                ?? new RewardFunctionException(step, $"{who} threw {cause.GetType().Name}: {cause.Message}", cause);
        }
    }
}

/// <summary>
/// One score per row, null where the reward does not apply. What need not be awaited runs on the thread that asks, before the task is
/// returned.
/// </summary>
internal delegate Task<IReadOnlyList<double?>> BoundReward(IReadOnlyList<RewardRow> rows, CancellationToken cancel);

/// <summary>What a reward is asked in.</summary>
/// <param name="Ml">The context.</param>
/// <param name="Data">The rows that <see cref="RewardRow.Row"/> counts.</param>
/// <param name="Tokenizer">The policy's.</param>
internal sealed record RewardContext(MLContext Ml, IDataView Data, TextTokenizer Tokenizer);
