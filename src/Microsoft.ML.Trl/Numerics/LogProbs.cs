using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>Log-probabilities of tokens.</summary>
public static class LogProbs
{
    /// <summary>Softmax that is kept between forward and backward pass by default: 96 MiB, more than a small vocabulary needs.</summary>
    internal const long KeepBytes = 96L << 20;

    /// <summary>Log-probabilities of the labels, from logits.</summary>
    /// <param name="logits">[..., V] of any floating type.</param>
    /// <param name="labels">[...] int64, each in [0, V).</param>
    /// <returns>[...] float32. The caller owns it.</returns>
    /// <exception cref="ArgumentException">A shape or type does not fit, or a label is none (looked at on the CPU alone).</exception>
    public static Tensor OfLogits(Tensor logits, Tensor labels)
    {
        RequireTensor.Floating(logits);
        RequireTensor.Indices(labels);
        RequireTensor.Shape(logits, logits.dim() > 0, "[..., V]");
        long[] rows = logits.shape[..^1];
        RequireTensor.Shape(labels, labels.shape.AsSpan().SequenceEqual(rows), $"[{string.Join(", ", rows)}]");
        RequireTensor.Beside(labels, logits, "the logits");
        RequireTensor.Below(labels, logits.size(-1));
        using DisposeScope scope = NewDisposeScope();
        Tensor wide = logits.to_type(ScalarType.Float32);                  // [..., V]
        Tensor picked = wide.gather(-1, labels.unsqueeze(-1)).squeeze(-1); // [...]
        return (picked - wide.logsumexp(-1)).MoveToOuterDisposeScope();    // [...]
    }

    /// <summary>Log-probabilities of the labels, from hidden states: one node of the autograd graph that works in chunks.</summary>
    /// <param name="hidden">[N, H] hidden states, one row per label.</param>
    /// <param name="headWeight">
    /// [V, H] vocabulary projection: a parameter, whose gradient <c>backward()</c> adds to in place, or a tensor that needs no gradient.
    /// </param>
    /// <param name="labels">[N] int64, each in [0, V).</param>
    /// <param name="keepBytes">
    /// A softmax up to this size is kept for the backward pass; a larger one is made again there. In bytes of float32.
    /// </param>
    /// <returns>[N] float32. The caller owns it.</returns>
    /// <exception cref="ArgumentException">
    /// A shape or type does not fit, a label is none (looked at on the CPU alone), <paramref name="headWeight"/> needs a gradient and is no
    /// parameter, or a number is out of range.
    /// </exception>
    public static Tensor OfHidden(Tensor hidden, Tensor headWeight, Tensor labels, long keepBytes = KeepBytes)
    {
        using DisposeScope scope = NewDisposeScope();
        return Run(hidden, headWeight, labels, 0, keepBytes).LogProb.MoveToOuterDisposeScope();
    }

    /// <summary>As <see cref="OfHidden"/>, with entropy, hits and Σp² of the same pass.</summary>
    /// <param name="hidden">[N, H] hidden states, one row per label.</param>
    /// <param name="headWeight">
    /// [V, H] vocabulary projection: a parameter, whose gradient <c>backward()</c> adds to in place, or a tensor that needs no gradient.
    /// </param>
    /// <param name="labels">[N] int64, each in [0, V).</param>
    /// <param name="labelSmoothing">
    /// ε, in [0, 1): the log-probability becomes (1 - ε) log p(label) + ε mean log p over the vocabulary. arXiv:1512.00567, Eq. 12.
    /// </param>
    /// <param name="keepBytes">
    /// A softmax up to this size is kept for the backward pass; a larger one is made again there. In bytes of float32.
    /// </param>
    /// <returns>Four tensors [N]. The caller owns them.</returns>
    /// <exception cref="ArgumentException">
    /// A shape or type does not fit, a label is none (looked at on the CPU alone), <paramref name="headWeight"/> needs a gradient and is no
    /// parameter, or a number is out of range.
    /// </exception>
    public static TokenLogProbs WithStatistics(
        Tensor hidden, Tensor headWeight, Tensor labels, double labelSmoothing = 0, long keepBytes = KeepBytes)
    {
        using DisposeScope scope = NewDisposeScope();
        RowStatistics rows = Run(hidden, headWeight, labels, labelSmoothing, keepBytes);
        return new TokenLogProbs(
            rows.LogProb.MoveToOuterDisposeScope(),
            rows.Entropy.MoveToOuterDisposeScope(),
            rows.Hit.MoveToOuterDisposeScope(),
            rows.SquaredMass.MoveToOuterDisposeScope());
    }

    private static RowStatistics Run(Tensor hidden, Tensor headWeight, Tensor labels, double labelSmoothing, long keepBytes)
    {
        Check(hidden, headWeight, labels);
        ArgumentOutOfRangeException.ThrowIfNegative(keepBytes);
        Require.Below(labelSmoothing, 0, 1);
        if (headWeight.requires_grad && !headWeight.is_leaf)
            throw new ArgumentException(
                "headWeight is the result of a computation that records gradients; it must be a parameter, or detached.",
                nameof(headWeight));
        var call = new HiddenLogProbs.Call(keepBytes, VocabularyHead.ChunkBytes, labelSmoothing);
        if (!is_grad_enabled() || !(hidden.requires_grad || headWeight.requires_grad))
        {
            using IDisposable noGrad = no_grad();
            return call.Forward(hidden.detach().contiguous(), headWeight.detach(), labels);
        }
        Tensor logProb = HiddenLogProbs.apply(hidden, headWeight, labels, call);
        return call.Statistics! with { LogProb = logProb };
    }

    private static void Check(Tensor hidden, Tensor headWeight, Tensor labels)
    {
        VocabularyHead.Check(hidden, headWeight);
        RequireTensor.Indices(labels);
        RequireTensor.Shape(labels, labels.dim() == 1 && labels.size(0) == hidden.size(0), $"[{hidden.size(0)}]");
        RequireTensor.Beside(labels, headWeight, "the weights");
        RequireTensor.Below(labels, headWeight.size(0));
    }
}
