using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>
/// Divergence of a student from a teacher, from the hidden states of both, as one node of the autograd graph. Inputs: the student's hidden
/// [N, H] and weight [V, H], the teacher's hidden [N, H'], a <see cref="Call"/>, which knows the rest. Weight and bias of the student are
/// leaves or need no gradient; the teacher gets none.
/// </summary>
/// <remarks>
/// Neither model's [N, V] exists but for chunks. Where the derivative by the student's logits is small it is kept from the forward pass,
/// until the backward pass frees it; otherwise the backward pass makes it again, chunk by chunk.
/// </remarks>
internal sealed class HiddenDivergence : autograd.SingleTensorFunction<HiddenDivergence>
{
    public override string Name => nameof(HiddenDivergence);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        using DisposeScope scope = NewDisposeScope();
        var (hidden, weight, theirs, call) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2], (Call)vars[3]);
        call.Begin(hidden);
        Tensor rows = call.Forward(hidden.contiguous(), theirs);
        ctx.save_for_backward([hidden, weight, theirs]);
        ctx.save_data(nameof(Call), call);
        return rows.MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using DisposeScope scope = NewDisposeScope();
        var call = (Call)ctx.get_data(nameof(Call));
        List<Tensor> saved = ctx.get_saved_variables();
        Tensor upstream = grad_output.to_type(ScalarType.Float32).contiguous();
        Tensor? hidden = call.Backward(saved[0].detach().contiguous(), saved[2].detach(), upstream);
        return HandedGradients.Hand(grad_output, hidden, null, null, null); // the weight's gradient is already where it belongs
    }

    /// <summary>One call: its settings, and the derivative that it keeps.</summary>
    /// <param name="student">From hidden states to logits.</param>
    /// <param name="teacher">The same of the teacher, of as many tokens; its gradients are not recorded.</param>
    /// <param name="divergence">Of rows of log-probabilities.</param>
    /// <param name="keepBytes">Largest derivative that is kept for the backward pass.</param>
    /// <param name="chunkBytes">Most bytes of logits of either model at once where it is not.</param>
    public sealed class Call(
        VocabularyProjection student, VocabularyProjection teacher, RowDivergence divergence, long keepBytes, long chunkBytes)
    {
        private bool _hiddenNeeds, _weightsNeed;
        private Tensor? _kept;

        public void Begin(Tensor hidden) => (_hiddenNeeds, _weightsNeed) = (hidden.requires_grad, student.NeedsGradient);

        /// <summary>The forward pass.</summary>
        /// <param name="hidden">[N, H], scaled.</param>
        /// <param name="theirs">[N, H'], scaled.</param>
        /// <returns>[N], in the current scope.</returns>
        public Tensor Forward(Tensor hidden, Tensor theirs)
        {
            using DisposeScope scope = NewDisposeScope();
            long count = hidden.shape[0];
            bool keep = (_hiddenNeeds || _weightsNeed) && count * student.Weight.shape[0] * sizeof(float) <= keepBytes;
            long bytes = keep ? keepBytes : chunkBytes;
            using VocabularyHead ours = new(student, count, bytes), other = new(teacher, count, bytes);
            var parts = new List<Tensor>();
            foreach ((long start, long length) in ours.Chunks(count))
            {
                using DisposeScope chunk = NewDisposeScope();
                Tensor logits = ours.Logits(hidden.narrow(0, start, length));
                parts.Add(Compare(logits, other.Logits(theirs.narrow(0, start, length)), keep).MoveToOuterDisposeScope());
                if (keep)
                    _kept = logits.alias().DetachFromDisposeScope();
            }
            Tensor rows = parts.Count > 0 ? cat(parts) : zeros(0, device: hidden.device);
            return rows.MoveToOuterDisposeScope();
        }

        /// <summary>
        /// The backward pass; must not throw. Adds to the gradients of weight and bias and returns that of the hidden states.
        /// </summary>
        public Tensor? Backward(Tensor hidden, Tensor theirs, Tensor upstream)
        {
            long count = hidden.shape[0], bytes = _kept is null ? chunkBytes : keepBytes;
            Tensor? gradient = _hiddenNeeds ? empty_like(hidden) : null;
            Tensor factors = upstream.div(student.Temperature);
            using VocabularyHead ours = new(student, count, bytes), other = new(teacher, count, bytes);
            using WeightGradient? accumulator = WeightGradient.Of(student.Weight);
            using BiasGradient? biases = BiasGradient.Of(student.Bias);
            foreach ((long start, long length) in ours.Chunks(count))
            {
                using DisposeScope chunk = NewDisposeScope();
                Tensor rows = hidden.narrow(0, start, length), above = factors.narrow(0, start, length);
                Tensor slope = _kept ?? ours.Logits(rows);
                if (_kept is null)
                    Compare(slope, other.Logits(theirs.narrow(0, start, length)), derives: true);
                biases?.Add(slope, above);
                if (gradient is not null)
                    ours.HiddenGradient(slope, above, gradient.narrow(0, start, length));
                accumulator?.Add(ours, slope, above, rows);
            }
            _kept?.Dispose();
            _kept = null; // a second backward pass makes it again
            return gradient;
        }

        /// <summary>Divergences, a few rows at a time, whose steps then find them in the processor's cache.</summary>
        /// <param name="logits">
        /// [n, V] of the student; where the derivative is wanted, it takes their place: that by what the weight gives, but for the
        /// temperature, which is left to the factors of the rows.
        /// </param>
        /// <param name="theirs">[n, V] of the teacher.</param>
        /// <param name="derives">Whether it is wanted.</param>
        /// <returns>[n], in the current scope.</returns>
        private Tensor Compare(Tensor logits, Tensor theirs, bool derives)
        {
            var parts = new List<Tensor>();
            foreach ((long start, long length) in VocabularySoftmax.Blocks(logits))
            {
                using DisposeScope block = NewDisposeScope();
                Tensor mine = logits.narrow(0, start, length);
                (Tensor rows, Tensor? slope) = divergence(
                    mine.log_softmax(-1), theirs.narrow(0, start, length).log_softmax(-1), derives);
                if (slope is not null && student.CapSlope(mine) is { } cap)
                    slope.mul_(cap);
                if (slope is not null)
                    mine.copy_(slope);
                parts.Add(rows.MoveToOuterDisposeScope());
            }
            return cat(parts);
        }
    }
}
