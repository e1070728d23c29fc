using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>Generalized Jensen-Shannon divergence of a student from a teacher: arXiv:2306.13649, Eq. 1.</summary>
public static class GeneralizedJsd
{
    /// <summary>
    /// β KL(q ‖ m) + (1 - β) KL(p ‖ m) of student p and teacher q with m = β q + (1 - β) p, over the whole vocabulary, from hidden states:
    /// one node of the autograd graph that works in chunks, so that neither model's [N, V] exists.
    /// </summary>
    /// <param name="hidden">[N, H] hidden states of the student.</param>
    /// <param name="head">
    /// The student's vocabulary projection, or its weight [V, H]: parameters, to whose gradients <c>backward()</c> adds in place, or
    /// tensors that need none. Its temperature divides the logits.
    /// </param>
    /// <param name="teacherHidden">[N, H'] of the teacher at the same positions; gets no gradient.</param>
    /// <param name="teacherHead">The teacher's vocabulary projection, of as many tokens; gets no gradient.</param>
    /// <param name="beta">In [0, 1]. The ends are limits of their own, as in TRL: 0 is KL(q ‖ p), 1 is KL(p ‖ q).</param>
    /// <param name="keepBytes">
    /// A derivative [N, V] up to this size is kept for the backward pass; a larger one is made again there. In bytes of float32.
    /// </param>
    /// <returns>[N] float32, in nats, at least 0 but for rounding. The caller owns it.</returns>
    /// <exception cref="ArgumentException">
    /// A shape or type does not fit, a part of <paramref name="head"/> needs a gradient and is no parameter, or a number is out of range.
    /// </exception>
    public static Tensor OfHidden(
        Tensor hidden, VocabularyProjection head, Tensor teacherHidden, VocabularyProjection teacherHead, double beta = 0.5,
        long keepBytes = LogProbs.KeepBytes)
    {
        Check(hidden, head, teacherHidden, teacherHead);
        Require.Between(beta, 0, 1);
        ArgumentOutOfRangeException.ThrowIfNegative(keepBytes);
        using DisposeScope scope = NewDisposeScope();
        Tensor ours = head.Scaled(hidden), theirs = teacherHead.Scaled(teacherHidden.detach()).contiguous();
        bool records = is_grad_enabled() && (ours.requires_grad || head.NeedsGradient);
        var call = new HiddenDivergence.Call(
            records ? head : head.Detached(), teacherHead, RowDivergences.Jsd(beta), keepBytes, VocabularyHead.ChunkBytes / 2);
        if (records)
            return HiddenDivergence.apply(ours, head.Weight, theirs, call).MoveToOuterDisposeScope();
        using IDisposable noGrad = no_grad();
        return call.Forward(ours.detach().contiguous(), theirs).MoveToOuterDisposeScope();
    }

    private static void Check(Tensor hidden, VocabularyProjection head, Tensor teacherHidden, VocabularyProjection teacherHead)
    {
        ArgumentNullException.ThrowIfNull(head);
        ArgumentNullException.ThrowIfNull(teacherHead);
        head.Check(hidden);
        teacherHead.Check(teacherHidden);
        head.RequireParameters();
        (long count, long vocabulary) = (hidden.size(0), head.Weight.size(0));
        RequireTensor.Shape(
            teacherHidden, teacherHidden.size(0) == count, $"[{count}, {teacherHidden.size(1)}], a row for each of the student");
        RequireTensor.Shape(
            teacherHead.Weight, teacherHead.Weight.size(0) == vocabulary,
            $"[{vocabulary}, {teacherHidden.size(1)}], of as many tokens as head", nameof(teacherHead));
        RequireTensor.Beside(teacherHidden, hidden, "the student's");
    }
}
