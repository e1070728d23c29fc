using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>How pairs become rows.</summary>
/// <param name="MaxLength">Tokens of prompt and answer together; a longer row loses its end. Null = no cut.</param>
/// <param name="LongerTailWeight">Weight of the tokens by which one answer is longer than the other; null = 1.</param>
/// <param name="PaddingFree">Whether models are to read the rows without their padding.</param>
internal sealed record PairLayout(int? MaxLength = null, double? LongerTailWeight = null, bool PaddingFree = false)
{
    /// <summary>Lays texts out for a model.</summary>
    public Func<IReadOnlyList<TokenExample>, TokenBatch> For(CausalLanguageModel model) => texts => model.BatchOf(texts, PaddingFree);
}

/// <summary>Some pairs in one batch: rows 0 to B-1 are the chosen answers, B to 2B-1 the rejected ones. Owns its tensors.</summary>
internal sealed class PairBatch : IDisposable
{
    private readonly double? _longerTailWeight;

    /// <summary>Reads pairs, each cut to a length.</summary>
    /// <param name="examples">All examples of the run.</param>
    /// <param name="pairs">Which of them.</param>
    /// <param name="layout">Where to cut, and what the longer answer's tail weighs.</param>
    /// <param name="collate">Lays texts out for the model: its <see cref="CausalLanguageModel.Batch"/>.</param>
    public PairBatch(
        IReadOnlyList<PreferenceExample> examples, IReadOnlyList<int> pairs, PairLayout layout,
        Func<IReadOnlyList<TokenExample>, TokenBatch> collate)
        : this(
            [.. pairs.Select(pair => Text(examples[pair].Prompt, examples[pair].Chosen))],
            [.. pairs.Select(pair => Text(examples[pair].Prompt, examples[pair].Rejected))],
            layout,
            collate) => Pairs = pairs;

    /// <summary>Pairs texts that need not share a prompt.</summary>
    /// <param name="chosen">[B]</param>
    /// <param name="rejected">[B]</param>
    /// <param name="layout">Where to cut, and what the longer answer's tail weighs.</param>
    /// <param name="collate">Lays texts out for the model: its <see cref="CausalLanguageModel.Batch"/>.</param>
    public PairBatch(
        IReadOnlyList<TokenExample> chosen, IReadOnlyList<TokenExample> rejected, PairLayout layout,
        Func<IReadOnlyList<TokenExample>, TokenBatch> collate)
    {
        Size = chosen.Count;
        Pairs = [.. Enumerable.Range(0, Size)];
        _longerTailWeight = layout.LongerTailWeight;
        Tokens = collate([.. chosen.Concat(rejected).Select(text => text.Truncated(layout.MaxLength))]);
    }

    public TokenBatch Tokens { get; }

    /// <summary>Indices of the pairs among all examples.</summary>
    public IReadOnlyList<int> Pairs { get; }

    /// <summary>B</summary>
    public int Size { get; }

    /// <summary>N: tokens of the chosen answers, which come first in every [N + M] tensor of this batch.</summary>
    public int ChosenTargets => Tokens.TargetCounts.Take(Size).Sum();

    /// <summary>[B] and [B] float32: tokens of each answer. They belong to the current scope.</summary>
    public (Tensor Chosen, Tensor Rejected) Lengths()
    {
        Tensor all = Counts();
        return (all.narrow(0, 0, Size), all.narrow(0, Size, Size));
    }

    /// <summary>Sums over each answer, tails weighted.</summary>
    /// <param name="tokenLogProbs">[N + M]</param>
    /// <returns>[B] and [B]. The caller owns them.</returns>
    public PairLogProbs Sum(Tensor tokenLogProbs)
    {
        using var scope = NewDisposeScope();
        Tensor weighted = _longerTailWeight is { } alpha ? tokenLogProbs * TailWeights((float)alpha) : tokenLogProbs;
        return Halves(Tokens.SumPerRow(weighted));
    }

    /// <summary>Mean over each answer, no tail weights.</summary>
    /// <param name="perToken">[N + M]</param>
    /// <returns>[B] and [B]. The caller owns them.</returns>
    public PairLogProbs Mean(Tensor perToken)
    {
        using var scope = NewDisposeScope();
        return Halves(Tokens.SumPerRow(perToken) / Counts());
    }

    public void Dispose() => Tokens.Dispose();

    private PairLogProbs Halves(Tensor rows) // [2B]; called inside the scope that the results leave
        => new(rows.narrow(0, 0, Size).MoveToOuterDisposeScope(), rows.narrow(0, Size, Size).MoveToOuterDisposeScope());

    private Tensor Counts() => tensor(Tokens.TargetCounts.Select(count => (float)Math.Max(count, 1)).ToArray(), device: Tokens.Ids.device);

    private Tensor TailWeights(float alpha) // [N + M]: 1 up to the length of the shorter answer, then alpha
    {
        var weights = new float[Tokens.Targets];
        int next = 0;
        for (int row = 0; row < 2 * Size; row++)
        {
            int shared = Math.Min(Tokens.TargetCounts[row % Size], Tokens.TargetCounts[(row % Size) + Size]);
            for (int i = 0; i < Tokens.TargetCounts[row]; i++)
                weights[next++] = i < shared ? 1 : alpha;
        }
        return tensor(weights, device: Tokens.Ids.device);
    }

    private static TokenExample Text(int[] prompt, int[] answer) => new([.. prompt, .. answer], prompt.Length);
}
