using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>What is known of a batch before it is learnt from; no gradients. All tensors live in the scope of the step.</summary>
internal sealed record PpoRollout
{
    /// <summary>[N] under the policy that sampled.</summary>
    public required Tensor LogProbs { get; init; }

    /// <summary>[N]</summary>
    public required Tensor ReferenceLogProbs { get; init; }

    /// <summary>[N] penalty per token in nats, by the estimator of the options.</summary>
    public required Tensor Kl { get; init; }

    /// <summary>[N] critic before each token, 0 where the mask is 0.</summary>
    public required Tensor Values { get; init; }

    /// <summary>[N] 1 where a token counts.</summary>
    public required Tensor Mask { get; init; }

    /// <summary>[N] where each token stands in a grid [B, T-1].</summary>
    public required Tensor GridPositions { get; init; }

    /// <summary>[B, T-1] whitened.</summary>
    public required Tensor AdvantageGrid { get; init; }

    /// <summary>[N] whitened.</summary>
    public required Tensor Advantages { get; init; }

    /// <summary>[N] advantage before whitening, plus value.</summary>
    public required Tensor Returns { get; init; }
}
