using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.OnlinePairs;

/// <summary>Prompts that are answered and judged, but not learnt from.</summary>
/// <param name="Prompts">Token ids, at least one prompt.</param>
/// <param name="Judge">Compares answers to them.</param>
internal sealed record HeldOutPairs(IReadOnlyList<int[]> Prompts, IAnswerJudge Judge);

/// <summary>
/// What a step over held-out prompts would report, loss and rewards, and how often the policy's answer is better than the reference's,
/// <c>win_rate</c>: ties count half, and pairs that the judge cannot decide not at all. Every answer has random numbers of its own, the
/// same in every evaluation; those of training are not touched.
/// </summary>
/// <param name="heldOut">What is answered.</param>
/// <param name="comparison">Of the run.</param>
/// <param name="sampler">Of the run.</param>
/// <param name="cancel">Looked at for every token.</param>
internal sealed class PairEvaluation(HeldOutPairs heldOut, PairComparison comparison, PairSampler sampler, CancellationToken cancel)
{
    private readonly int[]?[] _references = new int[]?[heldOut.Prompts.Count]; // its answers are always the same
    private readonly HeldOutSamples _samples = new(comparison.Options.NumCompletionsToPrint);
    private int _step = 1, _epoch;

    /// <summary>What an evaluation measures.</summary>
    public HeldOutSet Measured() => new(heldOut.Prompts.Count, Measure) { Samples = _samples.Take };

    /// <summary>The step that training makes next, for messages, and the epoch of the last one, counted from 0.</summary>
    public void At(int step, int epoch) => (_step, _epoch) = (step, epoch);

    private void Measure(int[] numbers, IFigures figures)
    {
        IOnlinePairMethod method = comparison.Method;
        Opponent? opponent = method.Opponent(comparison.Policy, comparison.Reference, _epoch);
        bool meetsReference = opponent is { Mixture: null } && ReferenceEquals(opponent.Model, comparison.Reference);
        RolloutTexts first = Texts(numbers, Draw(null, numbers, answer: 0));
        RolloutTexts second = Texts(numbers, meetsReference ? References(numbers) : Draw(opponent, numbers, answer: 1));
        JudgedPairs pairs = comparison.Judged(heldOut.Judge, first, second, cancel);
        foreach ((string name, double value) in method.Figures(pairs, _epoch).Concat(
            pairs.Verdicts.Log.Metrics().Select(metric => (metric.Key, metric.Value))))
            figures.Note(name, value, numbers.Length);
        int[] decided = pairs.Decided;
        figures.Note("val/undecided", 1 - (decided.Length / (double)numbers.Length), numbers.Length);
        if (decided.Length > 0)
        {
            using AnswerBatch answers = comparison.Answers(pairs, decided);
            (_, Dictionary<string, float> metrics) = comparison.Compare(pairs, decided, answers, _epoch);
            figures.Note("loss", metrics["loss"], decided.Length);
            figures.NoteAll(metrics, _ => decided.Length);
        }
        NoteWins(meetsReference ? pairs
            : comparison.Judged(heldOut.Judge, first, Texts(numbers, References(numbers)), cancel), figures);
        _samples.Add(room => heldOut.Judge.Samples(first, second, pairs.Verdicts, room));
    }

    private static void NoteWins(JudgedPairs against, IFigures figures)
    {
        double[] wins = [.. against.Decided.Select(row => (Math.Sign(against.Verdicts.FirstWins[row]!.Value - 0.5) + 1) / 2.0)];
        if (wins.Length > 0)
            figures.Note("win_rate", wins.Average(), wins.Length);
    }

    private RolloutTexts Texts(int[] numbers, int[][] answers) =>
        new(_step, numbers, [.. numbers.Select(number => heldOut.Prompts[number])], answers);

    /// <summary>Draws an answer to each prompt.</summary>
    /// <param name="opponent">Who answers; null = the policy.</param>
    /// <param name="numbers">Of the prompts.</param>
    /// <param name="answer">Which of the answers to a prompt it is, counted from 0.</param>
    private int[][] Draw(Opponent? opponent, int[] numbers, int answer)
    {
        long first = (long)answer * heldOut.Prompts.Count;
        return sampler.Answers(
            opponent, numbers.Select(number => (heldOut.Prompts[number], first + number)), numbers.Length, cancel);
    }

    private int[][] References(int[] numbers)
    {
        int[] missing = Array.FindAll(numbers, number => _references[number] is null);
        if (missing.Length > 0)
            foreach ((int number, int[] answer) in missing.Zip(Draw(new Opponent(comparison.Reference), missing, answer: 1)))
                _references[number] = answer;
        return Array.ConvertAll(numbers, number => _references[number]!);
    }
}
