namespace Microsoft.ML.Trl;

/// <summary>Puts the completions of a prompt in order, the best first: TRL's rank judges.</summary>
public sealed class RankJudge
{
    private readonly int _atOnce;
    private readonly Func<string, IReadOnlyList<string>, CancellationToken, Task<IReadOnlyList<int>>> _rank;

    private RankJudge(Func<string, IReadOnlyList<string>, CancellationToken, Task<IReadOnlyList<int>>> rank, int atOnce) =>
        (_rank, _atOnce) = (rank, atOnce);

    /// <summary>A function of a prompt and its completions.</summary>
    /// <param name="rank">
    /// Gives the places of all completions, that of the best first: <c>[1, 2, 0]</c> where the second is the best, and the first the worst.
    /// </param>
    public static RankJudge Of(Func<string, IReadOnlyList<string>, IReadOnlyList<int>> rank)
    {
        ArgumentNullException.ThrowIfNull(rank);
        return new RankJudge((prompt, completions, _) => Task.FromResult(rank(prompt, completions)), 1);
    }

    /// <summary>A function that takes its time, such as a call to a service.</summary>
    /// <param name="rank">As of <see cref="Of"/>. Runs on pool threads, for several prompts at once.</param>
    /// <param name="atOnce">Prompts asked about at the same time at most. At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is below 1.</exception>
    public static RankJudge OfAsync(
        Func<string, IReadOnlyList<string>, CancellationToken, Task<IReadOnlyList<int>>> rank, int atOnce = 16)
    {
        ArgumentNullException.ThrowIfNull(rank);
        Require.AtLeast(atOnce, 1);
        return new RankJudge(rank, atOnce);
    }

    /// <summary>Ranks the completions of each prompt.</summary>
    /// <param name="prompts">[N]</param>
    /// <param name="completions">[N] any number for each prompt.</param>
    /// <param name="cancel">Ends the calls that run.</param>
    /// <returns>[N] the places of each prompt's completions, that of the best first.</returns>
    /// <exception cref="ArgumentException">The two lists differ in length, or there is a null.</exception>
    /// <exception cref="InvalidOperationException">The judge did not give each place once.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IReadOnlyList<IReadOnlyList<int>> Rank(
        IReadOnlyList<string> prompts, IReadOnlyList<IReadOnlyList<string>> completions, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(completions);
        JudgedTexts.CheckCount(prompts.Count, completions.Count, nameof(completions));
        for (int row = 0; row < prompts.Count; row++)
            if (completions[row] is null)
                throw new ArgumentException($"The completions of prompt {row} are null; give a list.", nameof(completions));
        IReadOnlyList<int>[] ranks = ConcurrentCalls.Run(
            prompts.Count, _atOnce, (row, token) => _rank(prompts[row], completions[row], token), cancel);
        for (int row = 0; row < ranks.Length; row++)
            if (ranks[row] is not { } places || !places.Order().SequenceEqual(Enumerable.Range(0, completions[row].Count)))
                throw new InvalidOperationException(
                    $"The judge ranked the completions of prompt {row} as "
                    + $"{(ranks[row] is { } given ? $"[{string.Join(", ", given)}]" : "null")}; "
                    + $"it must give each place from 0 to {completions[row].Count - 1} once, that of the best first.");
        return ranks;
    }
}
