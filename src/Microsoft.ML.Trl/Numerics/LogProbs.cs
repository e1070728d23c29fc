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
    /// <param name="head">
    /// Vocabulary projection, or its weight [V, H]: parameters, to whose gradients <c>backward()</c> adds in place, or tensors that need
    /// none.
    /// </param>
    /// <param name="labels">[N] int64, each in [0, V).</param>
    /// <param name="keepBytes">
    /// A softmax up to this size is kept for the backward pass; a larger one is made again there. In bytes of float32.
    /// </param>
    /// <returns>[N] float32. The caller owns it.</returns>
    /// <exception cref="ArgumentException">
    /// A shape or type does not fit, a label is none (looked at on the CPU alone), a part of <paramref name="head"/> needs a gradient and
    /// is no parameter, or a number is out of range.
    /// </exception>
    public static Tensor OfHidden(Tensor hidden, VocabularyProjection head, Tensor labels, long keepBytes = KeepBytes)
    {
        using DisposeScope scope = NewDisposeScope();
        return Run(hidden, head, labels, 0, keepBytes).LogProb.MoveToOuterDisposeScope();
    }

    /// <summary>As <see cref="OfHidden"/>, with entropy, hits and Σp² of the same pass.</summary>
    /// <param name="hidden">[N, H] hidden states, one row per label.</param>
    /// <param name="head">
    /// Vocabulary projection, or its weight [V, H]: parameters, to whose gradients <c>backward()</c> adds in place, or tensors that need
    /// none.
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
    /// A shape or type does not fit, a label is none (looked at on the CPU alone), a part of <paramref name="head"/> needs a gradient and
    /// is no parameter, or a number is out of range.
    /// </exception>
    public static TokenLogProbs WithStatistics(
        Tensor hidden, VocabularyProjection head, Tensor labels, double labelSmoothing = 0, long keepBytes = KeepBytes)
    {
        using DisposeScope scope = NewDisposeScope();
        RowStatistics rows = Run(hidden, head, labels, labelSmoothing, keepBytes);
        return new TokenLogProbs(
            rows.LogProb.MoveToOuterDisposeScope(),
            rows.Entropy.MoveToOuterDisposeScope(),
            rows.Hit.MoveToOuterDisposeScope(),
            rows.SquaredMass.MoveToOuterDisposeScope());
    }

    private static RowStatistics Run(Tensor hidden, VocabularyProjection head, Tensor labels, double labelSmoothing, long keepBytes)
    {
        Check(hidden, head, labels);
        ArgumentOutOfRangeException.ThrowIfNegative(keepBytes);
        Require.Below(labelSmoothing, 0, 1);
        head.RequireParameters();
        hidden = head.Scaled(hidden);
        bool records = is_grad_enabled() && (hidden.requires_grad || head.NeedsGradient);
        var call = new HiddenLogProbs.Call(records ? head : head.Detached(), keepBytes, VocabularyHead.ChunkBytes, labelSmoothing);
        if (!records)
        {
            using IDisposable noGrad = no_grad();
            return call.Forward(hidden.detach().contiguous(), labels);
        }
        Tensor logProb = HiddenLogProbs.apply(hidden, head.Weight, labels, call);
        return call.Statistics! with { LogProb = logProb };
    }

    private static void Check(Tensor hidden, VocabularyProjection head, Tensor labels)
    {
        ArgumentNullException.ThrowIfNull(head);
        head.Check(hidden);
        RequireTensor.Indices(labels);
        RequireTensor.Shape(labels, labels.dim() == 1 && labels.size(0) == hidden.size(0), $"[{hidden.size(0)}]");
        RequireTensor.Beside(labels, head.Weight, "the weights");
        RequireTensor.Below(labels, head.Weight.size(0));
    }
}
