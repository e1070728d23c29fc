using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>A loss over labels with its gradient.</summary>
/// <param name="Gradient">[N, H] derivative of the loss by the hidden states.</param>
/// <param name="Sums">[3] float32: loss, entropy summed over the labels, hits summed over the labels; one tensor, so that reading it waits once.</param>
internal sealed record HeadLossResult(Tensor Gradient, Tensor Sums);
