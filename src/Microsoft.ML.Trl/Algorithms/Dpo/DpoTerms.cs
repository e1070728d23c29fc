using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Dpo;

/// <summary>What the losses are made of. All tensors live in the scope of the step; B pairs, N tokens of chosen answers.</summary>
internal sealed record DpoTerms
{
    /// <summary>Under the policy, with gradient.</summary>
    public required PairLogProbs Policy { get; init; }

    /// <summary>Under the reference, no gradient.</summary>
    public required PairLogProbs Reference { get; init; }

    /// <summary>[B] policy minus reference.</summary>
    public required Tensor ChosenRatio { get; init; }

    /// <summary>[B] policy minus reference.</summary>
    public required Tensor RejectedRatio { get; init; }

    /// <summary>[B] what the divergence makes of the ratio.</summary>
    public required Tensor ChosenScore { get; init; }

    /// <summary>[B] what the divergence makes of the ratio.</summary>
    public required Tensor RejectedScore { get; init; }

    /// <summary>[B] chosen minus rejected score.</summary>
    public required Tensor Margin { get; init; }

    /// <summary>[B] the same of scores per token.</summary>
    public required Tensor MarginPerToken { get; init; }

    /// <summary>[N] under the policy, with gradient.</summary>
    public required Tensor ChosenTokenLogProbs { get; init; }

    /// <summary>[B] weight of each pair, no gradient; null = 1.</summary>
    public Tensor? PairWeights { get; init; }
}
