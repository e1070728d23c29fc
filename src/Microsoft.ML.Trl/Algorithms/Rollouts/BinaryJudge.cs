namespace Microsoft.ML.Trl;

/// <summary>
/// Says whether a completion satisfies a condition: 1 = it does, 0 = it does not, -1 = undecided. TRL's binary judges, the parts of a
/// mixture of judges (arXiv:2409.20370, section 4.1.4).
/// </summary>
public sealed class BinaryJudge
{
    private readonly Func<IReadOnlyList<JudgedText>, CancellationToken, IReadOnlyList<int>> _judge;

    private BinaryJudge(Func<IReadOnlyList<JudgedText>, CancellationToken, IReadOnlyList<int>> judge) => _judge = judge;

    /// <summary>A function of a prompt, a completion, and what the completion should have been, which may be null.</summary>
    /// <param name="judge">Gives 1, 0 or -1. Called on the caller's thread, completion after completion.</param>
    public static BinaryJudge Of(Func<string, string, string?, int> judge)
    {
        ArgumentNullException.ThrowIfNull(judge);
        return new BinaryJudge((texts, _) => [.. texts.Select(text => judge(text.Prompt, text.Completion, text.Gold))]);
    }

    /// <summary>A function that takes its time, such as a call to a service.</summary>
    /// <param name="judge">Gives 1, 0 or -1. Runs on pool threads, for several completions at once.</param>
    /// <param name="atOnce">Completions asked about at the same time at most. At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is below 1.</exception>
    public static BinaryJudge OfAsync(Func<string, string, string?, CancellationToken, Task<int>> judge, int atOnce = 16)
    {
        ArgumentNullException.ThrowIfNull(judge);
        Require.AtLeast(atOnce, 1);
        return new BinaryJudge((texts, cancel) => ConcurrentCalls.Run(
            texts.Count, atOnce, (row, token) => judge(texts[row].Prompt, texts[row].Completion, texts[row].Gold, token), cancel));
    }

    /// <summary>
    /// Satisfied where all judges are; undecided where one of them is, as TRL's <c>AllTrueJudge</c> is. Each is asked about everything.
    /// </summary>
    /// <param name="judges">At least one.</param>
    /// <exception cref="ArgumentException">There is none, or one is null.</exception>
    public static BinaryJudge AllTrue(params IReadOnlyList<BinaryJudge> judges)
    {
        ArgumentNullException.ThrowIfNull(judges);
        if (judges.Count == 0 || judges.Contains(null!))
            throw new ArgumentException(
                judges.Count == 0 ? "There is no judge; give at least one." : "One of the judges is null; leave it out.", nameof(judges));
        BinaryJudge[] all = [.. judges];
        return new BinaryJudge((texts, cancel) =>
        {
            IReadOnlyList<int>[] verdicts = [.. all.Select(judge => judge.Verdicts(texts, cancel))];
            return [.. Enumerable.Range(0, texts.Count).Select(row => verdicts.Min(verdict => verdict[row]))]; // -1 before 0 before 1
        });
    }

    /// <summary>Judges completions.</summary>
    /// <param name="prompts">[N]</param>
    /// <param name="completions">[N] one per prompt.</param>
    /// <param name="goldCompletions">[N] what they should have been; null = that is not known.</param>
    /// <param name="cancel">Ends the calls that run.</param>
    /// <returns>[N] 1, 0 or -1.</returns>
    /// <exception cref="ArgumentException">The lists differ in length.</exception>
    /// <exception cref="InvalidOperationException">The judge gave another number.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public IReadOnlyList<int> Judge(
        IReadOnlyList<string> prompts, IReadOnlyList<string> completions, IReadOnlyList<string>? goldCompletions = null,
        CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        ArgumentNullException.ThrowIfNull(completions);
        JudgedTexts.CheckCount(prompts.Count, completions.Count, nameof(completions));
        if (goldCompletions is not null)
            JudgedTexts.CheckCount(prompts.Count, goldCompletions.Count, nameof(goldCompletions));
        return Verdicts([.. prompts.Select((prompt, row) => new JudgedText(prompt, completions[row], goldCompletions?[row]))], cancel);
    }

    private IReadOnlyList<int> Verdicts(IReadOnlyList<JudgedText> texts, CancellationToken cancel)
    {
        IReadOnlyList<int> verdicts = _judge(texts, cancel);
        foreach (int verdict in verdicts)
            if (verdict is < -1 or > 1)
                throw new InvalidOperationException(
                    $"The judge gave {verdict}; it must give 1 where the completion satisfies it, 0 where not, -1 where it is undecided.");
        return verdicts;
    }
}

/// <summary>A completion to be judged.</summary>
/// <param name="Prompt">What it answers.</param>
/// <param name="Completion">The answer.</param>
/// <param name="Gold">What it should have been; null = that is not known.</param>
internal sealed record JudgedText(string Prompt, string Completion, string? Gold);

/// <summary>Texts as judges read them.</summary>
internal static class JudgedTexts
{
    /// <summary>A completion outside of training.</summary>
    public static RewardRow Row(string prompt, string completion, int row) => new(prompt, completion, [], [], HasEnded: true, row, Step: 0);

    /// <exception cref="ArgumentException">There is not one of something for each prompt.</exception>
    public static void CheckCount(int prompts, int others, string name)
    {
        if (prompts != others)
            throw new ArgumentException($"{name} has {others} entries for {prompts} prompts; give one for each.", name);
    }
}
