using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>Loss over labels whose weights are known before the backward pass: its gradient is made in the forward pass, chunk by chunk, and logits are never made twice.</summary>
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
        Tensor rows = hidden.detach().contiguous();
        long count = rows.shape[0];
        Tensor gradient = empty_like(rows);
        Tensor loss = zeros(1, device: hidden.device), entropy = zeros(1, device: hidden.device), hits = zeros(1, device: hidden.device);
        if (count > 0)
        {
            using var head = new VocabularyHead(headWeight, count);
            using var accumulator = WeightGradient.Of(headWeight);
            foreach (var (start, length) in head.Chunks(count))
            {
                using DisposeScope chunk = NewDisposeScope();
                Tensor part = rows.narrow(0, start, length), targets = labels.narrow(0, start, length);
                Tensor logits = head.Logits(part);
                RowTotals totals = VocabularyPass.ToLossGradient(logits, targets, objective);
                loss.add_(VocabularyPass.Loss(totals, objective));
                entropy.add_(totals.Entropy.sum());
                hits.add_(totals.Hit.sum());
                head.HiddenGradient(logits, gradient.narrow(0, start, length));
                accumulator?.Add(head, logits, part);
            }
        }
        return new HeadLossResult(gradient.MoveToOuterDisposeScope(), cat([loss, entropy, hits]).MoveToOuterDisposeScope());
    }
}
