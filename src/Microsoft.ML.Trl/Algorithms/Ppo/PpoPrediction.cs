using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>What policy and critic say about some response tokens.</summary>
/// <param name="LogProbs">[n] of the tokens, with gradient.</param>
/// <param name="Entropy">[n] of the distributions they were drawn from, in nats; no gradient.</param>
/// <param name="Values">[n] critic before each token, with gradient.</param>
internal sealed record PpoPrediction(Tensor LogProbs, Tensor Entropy, Tensor Values);
