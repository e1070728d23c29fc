namespace Microsoft.ML.Trl.Algorithms.Raft;

/// <summary>Which completions are learnt, by their rewards: arXiv:2304.06767, section 3.</summary>
internal static class RaftSelection
{
    /// <summary>The best of all; of equal ones those that come first.</summary>
    /// <param name="rewards">Per completion; null where it must not be learnt.</param>
    /// <param name="count">How many at most.</param>
    /// <returns>Indices, the best first.</returns>
    public static int[] Top(IReadOnlyList<double?> rewards, int count) =>
        [.. Usable(rewards, 0, rewards.Count).OrderByDescending(row => rewards[row]).Take(count)];

    /// <summary>The best of each prompt that has a usable one.</summary>
    /// <param name="rewards">Per completion; null where it must not be learnt. Those of a prompt stand one behind the other.</param>
    /// <param name="samplesPerPrompt">How many these are.</param>
    /// <returns>Indices, in the order of the prompts.</returns>
    public static int[] Local(IReadOnlyList<double?> rewards, int samplesPerPrompt) =>
    [
        .. Enumerable.Range(0, rewards.Count / samplesPerPrompt).SelectMany(prompt =>
            Usable(rewards, prompt * samplesPerPrompt, samplesPerPrompt).OrderByDescending(row => rewards[row]).Take(1)),
    ];

    private static IEnumerable<int> Usable(IReadOnlyList<double?> rewards, int first, int count) =>
        Enumerable.Range(first, count).Where(row => rewards[row] is not null);
}
