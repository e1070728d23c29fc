using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>What a mini-batch is held against: the part of a <see cref="PpoRollout"/> that belongs to it, all [n].</summary>
internal sealed record PpoTarget(Tensor LogProbs, Tensor Values, Tensor Advantages, Tensor Returns, Tensor Mask)
{
    /// <summary>The tokens of a part, in its order. The tensors belong to the current scope.</summary>
    public static PpoTarget Of(PpoRollout rollout, PpoPart part) => new(
        rollout.LogProbs.index_select(0, part.Tokens),
        rollout.Values.index_select(0, part.Tokens),
        rollout.Advantages.index_select(0, part.Tokens),
        rollout.Returns.index_select(0, part.Tokens),
        rollout.Mask.index_select(0, part.Tokens));
}
