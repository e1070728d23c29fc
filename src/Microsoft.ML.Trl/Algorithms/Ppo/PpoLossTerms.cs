using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>One of PPO's two losses. The caller of <see cref="PpoLoss"/> owns the tensors.</summary>
/// <param name="Loss">Scalar with its gradient.</param>
/// <param name="Detail">Same shape as the input, no gradient: the ratios of the policy loss, the clipped predictions of the value loss.</param>
/// <param name="ClipFraction">Scalar: share of the tokens where the clipped term is the larger one.</param>
public sealed record PpoLossTerms(Tensor Loss, Tensor Detail, Tensor ClipFraction);
