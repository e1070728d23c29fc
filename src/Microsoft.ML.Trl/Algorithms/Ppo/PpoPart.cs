using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>Some rows of a <see cref="PpoBatch"/> as tensors.</summary>
/// <param name="Ids">[b, t] int64: query and response without its last token, padded on the right.</param>
/// <param name="Positions">[n] int64: where in [b * t] the states stand that predict the response tokens.</param>
/// <param name="Labels">[n] int64: the response tokens.</param>
/// <param name="Tokens">[n] int64: their places in the batch's flat list.</param>
internal sealed record PpoPart(Tensor Ids, Tensor Positions, Tensor Labels, Tensor Tokens);
