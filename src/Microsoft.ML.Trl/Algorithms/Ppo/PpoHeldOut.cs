namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>Prompts that are answered and scored, but not learnt from.</summary>
/// <param name="Prompts">Token ids, at least one prompt.</param>
/// <param name="Scorer">Says how good responses to them are.</param>
internal sealed record HeldOutPrompts(IReadOnlyList<int[]> Prompts, IRolloutScorer Scorer);

/// <summary>
/// The mean score of what the policy answers to held-out prompts, <c>reward</c>. Each prompt has random numbers of its own, the same in
/// every evaluation, so that two policies differ by what they would say and not by luck; those of training are not touched.
/// </summary>
/// <param name="policy">Only read.</param>
/// <param name="heldOut">What is answered.</param>
/// <param name="options">How it is answered.</param>
/// <param name="stop">Tells from a response's new tokens whether it has ended; null = only end tokens do.</param>
/// <param name="cancel">Looked at for every token.</param>
internal sealed class PpoHeldOut(
    CausalLanguageModel policy, HeldOutPrompts heldOut, PpoOptions options, Func<IReadOnlyList<int>, bool>? stop, CancellationToken cancel)
{
    private readonly List<SampleCompletion> _samples = [];

    /// <summary>What an evaluation measures.</summary>
    /// <param name="nextStep">The step that training makes next.</param>
    public HeldOutSet Measured(Func<int> nextStep) => new(heldOut.Prompts.Count, (numbers, figures) => Answer(numbers, figures, nextStep()))
    {
        Samples = TakeSamples,
    };

    private void Answer(int[] numbers, IFigures figures, int nextStep)
    {
        int[][] queries = Array.ConvertAll(numbers, number => heldOut.Prompts[number]);
        var batch = new GenerationBatch(
            queries, options.Generation, Array.ConvertAll(numbers, number => ((long)options.Seed << 32) + number));
        IReadOnlyList<int[]> responses = new[] { batch }.Generate(policy, stop, cancel);
        var rollout = new RolloutTexts(nextStep, numbers, queries, responses);
        IReadOnlyList<double> scores = RewardScorer.Ask(heldOut.Scorer, rollout, cancel);
        figures.Note("reward", scores.Average(), scores.Count);
        int room = options.NumCompletionsToPrint - _samples.Count;
        if (room > 0)
            _samples.AddRange(heldOut.Scorer.Samples(rollout, scores, room));
    }

    private SampleCompletion[] TakeSamples()
    {
        SampleCompletion[] samples = [.. _samples];
        _samples.Clear();
        return samples;
    }
}
