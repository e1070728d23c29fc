using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>The completion tokens that one forward pass learns, with all that they are held against; no gradients.</summary>
/// <param name="RowCount">b: completions. One may have no token that is learnt.</param>
/// <param name="RowOf">[n] int64: the completion of each token.</param>
/// <param name="Advantages">[b] float32.</param>
/// <param name="OldLogProbs">[n] under the weights that sampled; null = those of this pass.</param>
/// <param name="ReferenceLogProbs">[n]; null = there is no reference.</param>
internal sealed record GroupTokens(
    int RowCount, Tensor RowOf, Tensor Advantages, Tensor? OldLogProbs = null, Tensor? ReferenceLogProbs = null)
{
    /// <summary>[n] advantage of each token; null = that of its completion.</summary>
    public Tensor? TokenAdvantages { get; init; }

    /// <summary>What the pass found on its way to the log-probabilities; null where there are these alone.</summary>
    public GroupStates? States { get; init; }

    /// <summary>Sums over the tokens of each completion: [n] to [b].</summary>
    public Tensor SumRows(Tensor tokens) =>
        zeros(RowCount, dtype: ScalarType.Float32, device: tokens.device).index_add(0, RowOf, tokens, 1);

    /// <summary>Tokens of each completion: [b] float32.</summary>
    public Tensor Lengths() => SumRows(ones_like(RowOf, ScalarType.Float32));

    /// <summary>Means over the tokens of each completion, 0 where there is none: [n] to [b].</summary>
    public Tensor MeanRows(Tensor tokens) => SumRows(tokens) / Lengths().clamp_min(1);

    /// <summary>Gives every token what its completion has: [b] to [n].</summary>
    public Tensor Spread(Tensor rows) => rows.index_select(0, RowOf);
}

/// <summary>What predicts the tokens of a pass.</summary>
/// <param name="Batch">Its labels are the n tokens.</param>
/// <param name="Hidden">[n, H] states of the policy, with gradient where it learns.</param>
/// <param name="Others">[n, H'] of <see cref="IGroupObjective.OtherStates"/>; null = there are none.</param>
internal sealed record GroupStates(TokenBatch Batch, Tensor Hidden, Tensor? Others);

/// <summary>What a step reads in all its passes.</summary>
/// <param name="Rows">Completions.</param>
/// <param name="Tokens">Tokens of them that are learnt.</param>
/// <param name="PassCount">Forward passes.</param>
internal sealed record GroupTotals(long Rows, long Tokens, int PassCount);
