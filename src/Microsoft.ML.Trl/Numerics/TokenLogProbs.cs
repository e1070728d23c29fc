using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>Log-probabilities of given tokens, with what the same pass over the vocabulary tells about each position.</summary>
/// <param name="LogProbs">[N] float32, natural logarithm of the label's probability; differentiable where its inputs are.</param>
/// <param name="Entropy">[N] float32 entropy of the position's distribution, in nats; no gradient.</param>
/// <param name="Hit">[N] float32, 1 where the label is the most probable token, otherwise 0; no gradient.</param>
/// <param name="SquaredMass">[N] float32 Σp² over the vocabulary; no gradient.</param>
public sealed record TokenLogProbs(Tensor LogProbs, Tensor Entropy, Tensor Hit, Tensor SquaredMass);
