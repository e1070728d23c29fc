using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>Log-probabilities of the answers of some pairs, each summed over its tokens. Who made it owns the tensors.</summary>
/// <param name="Chosen">[B] in nats.</param>
/// <param name="Rejected">[B] in nats.</param>
public sealed record PairLogProbs(Tensor Chosen, Tensor Rejected);
