using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>How pairs become rows.</summary>
/// <param name="MaxLength">Tokens of prompt and answer together; a longer row loses its end. Null = no cut.</param>
/// <param name="LongerTailWeight">Weight of the tokens by which one answer is longer than the other; null = 1.</param>
/// <param name="WithPromptOfChosen">Whether the prompts of the chosen answers have labels too, where no encoder reads them.</param>
/// <param name="PaddingFree">Whether models are to read the rows without their padding.</param>
internal sealed record PairLayout(
    int? MaxLength = null, double? LongerTailWeight = null, bool WithPromptOfChosen = false, bool PaddingFree = false)
{
    /// <summary>Lays texts out for a model.</summary>
    public Func<IReadOnlyList<TokenExample>, TokenBatch> For(CausalLanguageModel model) => texts => model.BatchOf(texts, PaddingFree);
}

/// <summary>Log-probabilities of the answers of some pairs, each summed over its tokens. Who made it owns the tensors.</summary>
/// <param name="Chosen">[B] in nats.</param>
/// <param name="Rejected">[B] in nats.</param>
internal sealed record PairLogProbs(Tensor Chosen, Tensor Rejected);

/// <summary>Some pairs in one batch: rows 0 to B-1 are the chosen answers, B to 2B-1 the rejected ones. Owns its tensors.</summary>
internal sealed class PairBatch : IDisposable
{
    private readonly Tensor? _isAnswer; // [N + M]; null = every label is an answer's

    /// <summary>Reads pairs, each cut to a length.</summary>
    /// <param name="examples">All examples of the run.</param>
    /// <param name="pairs">Which of them.</param>
    /// <param name="layout">Where to cut, which labels there are, and what the longer answer's tail weighs.</param>
    /// <param name="collate">Lays texts out for the model: <see cref="PairLayout.For"/>.</param>
    public PairBatch(
        IReadOnlyList<PreferenceExample> examples, IReadOnlyList<int> pairs, PairLayout layout,
        Func<IReadOnlyList<TokenExample>, TokenBatch> collate)
        : this(
            [.. pairs.Select(pair => Text(examples[pair].Prompt, examples[pair].Chosen))],
            [.. pairs.Select(pair => Text(examples[pair].Prompt, examples[pair].Rejected))],
            [.. pairs, .. pairs.Select(pair => examples.Count + pair)],
            layout,
            collate) { }

    /// <summary>Pairs texts that need not share a prompt.</summary>
    /// <param name="chosen">[B]</param>
    /// <param name="rejected">[B]</param>
    /// <param name="layout">Where to cut, which labels there are, and what the longer answer's tail weighs.</param>
    /// <param name="collate">Lays texts out for the model: <see cref="PairLayout.For"/>.</param>
    public PairBatch(
        IReadOnlyList<TokenExample> chosen, IReadOnlyList<TokenExample> rejected, PairLayout layout,
        Func<IReadOnlyList<TokenExample>, TokenBatch> collate)
        : this(chosen, rejected, [.. Enumerable.Range(0, 2 * chosen.Count)], layout, collate) { }

    private PairBatch(
        IReadOnlyList<TokenExample> chosen, IReadOnlyList<TokenExample> rejected, IReadOnlyList<int> numbers, PairLayout layout,
        Func<IReadOnlyList<TokenExample>, TokenBatch> collate)
    {
        Size = chosen.Count;
        TokenExample[] cut = [.. chosen.Concat(rejected).Select(text => text.Truncated(layout.MaxLength))];
        int[] lengths = Array.ConvertAll(cut, text => text.LearnedTokens());
        TokenBatch tokens = collate(layout.WithPromptOfChosen ? [.. cut.Take(Size).Select(WithPrompt), .. cut.Skip(Size)] : cut);
        float[]? weights = layout.WithPromptOfChosen ? AnswerWeights(cut, tokens.TargetCounts)
            : layout.LongerTailWeight is { } alpha ? TailWeights(tokens.TargetCounts, (float)alpha)
            : null;
        Answers = new AnswerBatch(tokens, numbers, lengths, weights);
        ChosenDivisor = ChosenTargets;
        if (layout.WithPromptOfChosen)
            _isAnswer = tensor(weights!, device: tokens.Ids.device).DetachFromDisposeScope();
    }

    /// <summary>The rows.</summary>
    public AnswerBatch Answers { get; }

    public TokenBatch Tokens => Answers.Tokens;

    /// <summary>B</summary>
    public int Size { get; }

    /// <summary>N: labels of the chosen rows, which come first in every [N + M] tensor of this batch.</summary>
    public int ChosenTargets => Tokens.TargetCounts.Take(Size).Sum();

    /// <summary>
    /// What a sum over the labels of the chosen rows is divided by to be a mean: N, or this batch's share of the labels of the whole step.
    /// </summary>
    public double ChosenDivisor { get; init; }

    /// <summary>[B] and [B] float32: tokens of each answer. They belong to the current scope.</summary>
    public (Tensor Chosen, Tensor Rejected) Lengths()
    {
        Tensor all = Answers.Lengths();
        return (all.narrow(0, 0, Size), all.narrow(0, Size, Size));
    }

    /// <summary>Sums over each answer, tails weighted.</summary>
    /// <param name="tokenLogProbs">[N + M]</param>
    /// <returns>[B] and [B]. The caller owns them.</returns>
    public PairLogProbs Sum(Tensor tokenLogProbs)
    {
        using var scope = NewDisposeScope();
        return Halves(Answers.Sum(tokenLogProbs));
    }

    /// <summary>Mean over each answer, no tail weights.</summary>
    /// <param name="perToken">[N + M]</param>
    /// <returns>[B] and [B]. The caller owns them.</returns>
    public PairLogProbs Mean(Tensor perToken)
    {
        using var scope = NewDisposeScope();
        return Halves(Tokens.SumPerRow(_isAnswer is null ? perToken : perToken * _isAnswer) / Answers.Lengths());
    }

    /// <summary>Mean over all tokens of the chosen answers, and of the rejected ones. Scalars that belong to the current scope.</summary>
    /// <param name="perToken">[N + M]</param>
    public (Tensor Chosen, Tensor Rejected) MeanOverTokens(Tensor perToken)
    {
        Tensor chosen = perToken.narrow(0, 0, ChosenTargets);                                // [N]
        Tensor rejected = perToken.narrow(0, ChosenTargets, Tokens.Targets - ChosenTargets); // [M]
        return (_isAnswer is null ? chosen.mean() : Masked.Mean(chosen, _isAnswer.narrow(0, 0, ChosenTargets)), rejected.mean());
    }

    /// <summary>Labels of the chosen row of a pair.</summary>
    /// <param name="pair">As it is before it is cut.</param>
    /// <param name="layout">Where to cut, and which labels there are.</param>
    /// <param name="hasEncoder">Whether an encoder reads the prompt.</param>
    public static int ChosenTargetsOf(PreferenceExample pair, PairLayout layout, bool hasEncoder)
    {
        TokenExample text = Text(pair.Prompt, pair.Chosen).Truncated(layout.MaxLength);
        return layout.WithPromptOfChosen && !hasEncoder ? text.Ids.Length - 1 : text.LearnedTokens();
    }

    /// <summary>Cuts what belongs to the rows in two.</summary>
    /// <param name="perRow">[2B]</param>
    /// <returns>Views of it; they belong to the current scope.</returns>
    public PairLogProbs Split(Tensor perRow) => new(perRow.narrow(0, 0, Size), perRow.narrow(0, Size, Size));

    public void Dispose()
    {
        Answers.Dispose();
        _isAnswer?.Dispose();
    }

    private PairLogProbs Halves(Tensor rows) // [2B]; called inside the scope that the results leave
        => new(rows.narrow(0, 0, Size).MoveToOuterDisposeScope(), rows.narrow(0, Size, Size).MoveToOuterDisposeScope());

    private float[] TailWeights(IReadOnlyList<int> counts, float alpha) // [N + M]: 1 up to the length of the shorter answer, then alpha
    {
        var weights = new List<float>();
        for (int row = 0; row < counts.Count; row++)
        {
            int shared = Math.Min(counts[row % Size], counts[(row % Size) + Size]);
            weights.AddRange(Enumerable.Range(0, counts[row]).Select(i => i < shared ? 1 : alpha));
        }
        return [.. weights];
    }

    private float[] AnswerWeights(TokenExample[] texts, IReadOnlyList<int> counts) // [N + M]: 1 for tokens of the answer, else 0
    {
        IEnumerable<float> Row(int row) => Enumerable.Range(texts[row].Ids.Length - counts[row], counts[row])
            .Select(position => row >= Size || texts[row].Learns(position) ? 1f : 0f);
        return [.. Enumerable.Range(0, texts.Length).SelectMany(Row)];
    }

    private static TokenExample WithPrompt(TokenExample text) => text with { Learned = [.. text.Ids.Select(_ => true)] };

    private static TokenExample Text(int[] prompt, int[] answer) => new([.. prompt, .. answer], prompt.Length);
}
