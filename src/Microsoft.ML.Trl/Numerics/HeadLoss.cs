using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>Cost of a label: scale · w · ((1 - s) · nll + s · mean nll over the vocabulary).</summary>
/// <param name="Scale">Factor on every label's cost, usually one over the labels of the whole effective batch.</param>
/// <param name="Smoothing">s, in [0, 1): label smoothing, arXiv:1512.00567, Eq. 12.</param>
/// <param name="WeighByProbability">w is the label's own probability, taken as a constant (arXiv:2508.05629, Eq. 9); otherwise 1.</param>
internal readonly record struct TokenObjective(float Scale, float Smoothing = 0, bool WeighByProbability = false)
{
    /// <summary>Scale · w of each label.</summary>
    /// <param name="rows">What is known about the labels.</param>
    /// <returns>[n]. Owned by the current scope.</returns>
    public Tensor Weights(RowStatistics rows) => WeighByProbability ? rows.LogProb.exp() * Scale : full_like(rows.LogProb, Scale);

    /// <summary>Sum of the costs.</summary>
    /// <param name="rows">What is known about the labels.</param>
    /// <param name="weights">Their <see cref="Weights"/>.</param>
    /// <param name="meanLogits">[n] mean of each row of logits; null where nothing is smoothed.</param>
    /// <returns>A scalar. Owned by the current scope.</returns>
    public Tensor Sum(RowStatistics rows, Tensor weights, Tensor? meanLogits)
    {
        Tensor cost = rows.LogProb * (Smoothing - 1);
        if (meanLogits is not null)
            cost = cost + ((rows.LogTotal - meanLogits) * Smoothing);
        return (cost * weights).sum();
    }
}

/// <summary>A loss over labels with its gradient.</summary>
/// <param name="Gradient">[N, H] derivative of the loss by the hidden states.</param>
/// <param name="Sums">[3] float32: loss, entropy summed over the labels, hits summed over the labels; one tensor, so that reading it waits once.</param>
internal sealed record HeadLossResult(Tensor Gradient, Tensor Sums);

/// <summary>
/// Loss over labels whose weights are known before the backward pass: its gradient is made in the forward pass, chunk by chunk, and logits are never made twice.
/// </summary>
internal static class HeadLoss
{
    /// <summary>Computes the loss and adds its gradient by the projection straight to the gradient of <paramref name="headWeight"/>.</summary>
    /// <param name="hidden">[N, H] hidden states, one row per label; N may be 0.</param>
    /// <param name="headWeight">[V, H] vocabulary projection, a leaf; left alone where it needs no gradient.</param>
    /// <param name="labels">[N] int64, each in [0, V).</param>
    /// <param name="objective">What a label costs.</param>
    /// <returns>Loss, its derivative by <paramref name="hidden"/> and the statistics. The caller owns the tensors.</returns>
    public static HeadLossResult Accumulate(Tensor hidden, Tensor headWeight, Tensor labels, TokenObjective objective)
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor states = hidden.detach().contiguous();
        long count = states.shape[0];
        Tensor gradient = empty_like(states);
        Tensor sums = zeros(3, device: hidden.device);
        using var head = new VocabularyHead(headWeight, count);
        using var accumulator = WeightGradient.Of(headWeight);
        foreach (var (start, length) in head.Chunks(count))
        {
            using DisposeScope chunk = NewDisposeScope();
            Tensor part = states.narrow(0, start, length), targets = labels.narrow(0, start, length);
            Tensor logits = head.Logits(part);
            Tensor? meanLogits = objective.Smoothing > 0 ? logits.mean([-1]) : null;
            RowStatistics rows = VocabularySoftmax.Apply(logits, targets);
            Tensor weights = objective.Weights(rows);
            sums.add_(stack([objective.Sum(rows, weights, meanLogits), rows.Entropy.sum(), rows.Hit.sum()]));
            VocabularySoftmax.SubtractLabels(logits, targets, 1 - objective.Smoothing);
            if (objective.Smoothing > 0)
                logits.sub_(objective.Smoothing / logits.shape[1]);
            head.HiddenGradient(logits, weights, gradient.narrow(0, start, length));
            accumulator?.Add(head, logits, weights, part);
        }
        return new HeadLossResult(gradient.MoveToOuterDisposeScope(), sums.MoveToOuterDisposeScope());
    }
}
