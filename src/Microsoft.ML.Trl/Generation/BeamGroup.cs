namespace Microsoft.ML.Trl.Generation;

/// <summary>One text of a beam search.</summary>
/// <param name="Row">Its tokens.</param>
/// <param name="LogProbs">Per new token, the model's own log-probability.</param>
/// <param name="Score">Sum of the log-probabilities after all options; once finished, over the length to the power of the penalty.</param>
internal sealed record Hypothesis(GrowingRow Row, float[] LogProbs, float Score);

/// <summary>A beam with one more token.</summary>
/// <param name="Beam">Number of the beam in its group.</param>
/// <param name="Token">The token.</param>
/// <param name="Score">As of <see cref="Hypothesis"/>.</param>
/// <param name="LogProb">Of the token under the model itself.</param>
internal readonly record struct Continuation(int Beam, int Token, float Score, float LogProb);

/// <summary>
/// The beams of one prompt, and the texts that were finished: the bookkeeping of transformers' beam search, which decides equal scores too.
/// </summary>
internal sealed class BeamGroup
{
    private const float Unreachable = -1e9f; // below any sum of log-probabilities that can come to be

    private readonly GenerationOptions _options;
    private readonly RowEnds _ends;
    private List<Hypothesis> _finished = [];
    private bool _canImprove = true;

    /// <param name="row">The prompt's.</param>
    /// <param name="options">Validated.</param>
    /// <param name="ends">Whether a text's newest token ends it.</param>
    public BeamGroup(GrowingRow row, GenerationOptions options, RowEnds ends)
    {
        (_options, _ends) = (options, ends);
        Beams = [.. Enumerable.Range(0, options.NumBeams).Select(beam => new Hypothesis(row, [], beam == 0 ? 0 : Unreachable))];
    }

    /// <summary>Those that grow. At first all are the prompt itself, and only the first of them counts.</summary>
    public Hypothesis[] Beams { get; private set; }

    /// <summary>Whether nothing better will be found.</summary>
    public bool IsDone { get; private set; }

    /// <summary>The best texts, the best first; fewer than wanted where there are no more.</summary>
    public IReadOnlyList<Hypothesis> Finished => _finished;

    /// <summary>Chooses which beams grow on, and takes the finished ones out.</summary>
    /// <param name="continuations">At least as many as beams; the best ones, or those that were drawn.</param>
    /// <returns>Per beam that grows on, the number of the one that it continues.</returns>
    public int[] Advance(IReadOnlyList<Continuation> continuations)
    {
        Hypothesis[] all = [.. continuations.Select(Continue)];
        bool[] finished = [.. all.Select(text => text.Row.IsDone)];
        int[] chosen =
        [
            .. Enumerable.Range(0, all.Length).OrderByDescending(i => all[i].Score + (finished[i] ? Unreachable : 0)).Take(Beams.Length),
        ];
        Finish(all.Take(Beams.Length).Where(text => text.Row.IsDone && text.Score > Unreachable / 10));
        Beams = Array.ConvertAll(chosen, i => finished[i] ? all[i] with { Score = all[i].Score + Unreachable } : all[i]);
        _canImprove = _canImprove && CanImprove();
        IsDone = !_canImprove || (_options.EarlyStopping == EarlyStopping.True && IsFull) || Array.TrueForAll(finished, one => one);
        return Array.ConvertAll(chosen, i => continuations[i].Beam);
    }

    private bool IsFull => _finished.Count == _options.NumBeams;

    private Hypothesis Continue(Continuation next)
    {
        Hypothesis beam = Beams[next.Beam];
        GrowingRow row = beam.Row.With(next.Token);
        row.HasEnded = _ends.IsReached(row);
        return new Hypothesis(row, [.. beam.LogProbs, next.LogProb], next.Score);
    }

    private void Finish(IEnumerable<Hypothesis> texts)
    {
        if (!_canImprove || (_options.EarlyStopping == EarlyStopping.True && IsFull))
            return;
        IEnumerable<Hypothesis> scored = texts.Select(text => text with { Score = Penalized(text.Score, text.Row.NewTokens.Count) });
        _finished = [.. _finished.Concat(scored).OrderByDescending(text => text.Score).Take(_options.NumBeams)];
    }

    /// <summary>Whether the best beam can still score more than the worst finished text.</summary>
    private bool CanImprove()
    {
        GrowingRow best = Beams[0].Row;
        bool atFullLength = _options.EarlyStopping == EarlyStopping.Never && _options.LengthPenalty > 0;
        float possible = Penalized(Beams[0].Score, atFullLength ? best.Limit : best.NewTokens.Count);
        return !IsFull || possible > _finished[^1].Score;
    }

    private float Penalized(float score, int length) => score / (float)Math.Pow(length, _options.LengthPenalty);
}
