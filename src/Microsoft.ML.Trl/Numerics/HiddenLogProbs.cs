using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>
/// log p(label) from hidden states as one node of the autograd graph. Inputs: hidden [N, H], weight [V, H], labels [N], a
/// <see cref="Call"/>, which knows the rest of the projection. Weight and bias are leaves or need no gradient.
/// </summary>
/// <remarks>
/// The gradient needs the softmax of all rows. Where that is small it is kept from the forward pass, until the backward pass frees it;
/// otherwise the backward pass makes it again, chunk by chunk. It adds to the gradient of the weight in place: [V, H] is never held twice.
/// </remarks>
internal sealed class HiddenLogProbs : autograd.SingleTensorFunction<HiddenLogProbs>
{
    public override string Name => nameof(HiddenLogProbs);

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        using DisposeScope scope = NewDisposeScope();
        var (hidden, weight, labels, call) = ((Tensor)vars[0], (Tensor)vars[1], (Tensor)vars[2], (Call)vars[3]);
        call.Begin(hidden);
        RowStatistics rows = call.Forward(hidden.contiguous(), labels).MoveToOuter();
        ctx.save_for_backward([hidden, weight, labels]);
        ctx.save_data(nameof(Call), call);
        return rows.LogProb;
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using DisposeScope scope = NewDisposeScope();
        var call = (Call)ctx.get_data(nameof(Call));
        List<Tensor> saved = ctx.get_saved_variables();
        Tensor upstream = grad_output.to_type(ScalarType.Float32).contiguous();
        Tensor? hidden = call.Backward(saved[0].detach().contiguous(), saved[2], upstream);
        return HandedGradients.Hand(grad_output, hidden, null, null, null); // the weight's gradient is already where it belongs
    }

    /// <summary>One call: its settings, its statistics, and the softmax it keeps.</summary>
    /// <param name="projection">From hidden states to logits.</param>
    /// <param name="keepBytes">Largest softmax that is kept for the backward pass.</param>
    /// <param name="chunkBytes">Most bytes of logits at once where it is not.</param>
    /// <param name="smoothing">Share ε of the label's weight that is spread over the whole vocabulary.</param>
    public sealed class Call(VocabularyProjection projection, long keepBytes, long chunkBytes, double smoothing)
    {
        private bool _hiddenNeeds, _weightsNeed;
        private Tensor? _kept;

        /// <summary>Entropy, hits and Σp² of the rows; owned by the scope around the call.</summary>
        public RowStatistics? Statistics { get; private set; }

        public void Begin(Tensor hidden) => (_hiddenNeeds, _weightsNeed) = (hidden.requires_grad, projection.NeedsGradient);

        /// <summary>The forward pass. Results belong to the scope around the current one.</summary>
        public RowStatistics Forward(Tensor hidden, Tensor labels)
        {
            using DisposeScope scope = NewDisposeScope();
            long count = hidden.shape[0];
            // a cap's derivative needs the logits, of which the softmax is not enough
            bool keep = (_hiddenNeeds || _weightsNeed) && projection.SoftCap is null
                && count * projection.Weight.shape[0] * sizeof(float) <= keepBytes;
            using var head = new VocabularyHead(projection, count, keep ? keepBytes : chunkBytes);
            var parts = new List<RowStatistics>();
            foreach (var (start, length) in head.Chunks(count))
            {
                using DisposeScope chunk = NewDisposeScope();
                Tensor logits = head.Logits(hidden.narrow(0, start, length));
                Tensor? meanLogits = smoothing > 0 ? logits.mean([-1]) : null;
                RowStatistics rows = VocabularySoftmax.Apply(logits, labels.narrow(0, start, length));
                if (meanLogits is not null)
                    rows = rows with { LogProb = (rows.LogProb * (1 - smoothing)) + ((meanLogits - rows.LogTotal) * smoothing) };
                parts.Add(rows.MoveToOuter());
                if (keep)
                    _kept = logits.alias().DetachFromDisposeScope();
            }
            return Statistics = RowStatistics.Join(parts, hidden.device).MoveToOuter();
        }

        /// <summary>The backward pass; must not throw. Adds to the gradient of the weight and returns that of the hidden states.</summary>
        public Tensor? Backward(Tensor hidden, Tensor labels, Tensor upstream)
        {
            long count = hidden.shape[0];
            Tensor? gradient = _hiddenNeeds ? empty_like(hidden) : null;
            // the softmax less 1 at the label is the derivative of the negative log-probability
            Tensor factors = upstream.div(-projection.Temperature);
            using var head = new VocabularyHead(projection, count, _kept is null ? chunkBytes : keepBytes);
            using WeightGradient? accumulator = WeightGradient.Of(projection.Weight);
            using BiasGradient? biases = BiasGradient.Of(projection.Bias);
            foreach (var (start, length) in head.Chunks(count))
            {
                using DisposeScope chunk = NewDisposeScope();
                Tensor rows = hidden.narrow(0, start, length), targets = labels.narrow(0, start, length);
                Tensor above = factors.narrow(0, start, length);
                Tensor softmax = _kept ?? head.Logits(rows);
                Tensor? slope = projection.CapSlope(softmax);
                if (_kept is null)
                    VocabularySoftmax.Apply(softmax, targets);
                VocabularySoftmax.SubtractLabels(softmax, targets, 1 - smoothing);
                if (smoothing > 0)
                    softmax.sub_(smoothing / softmax.shape[1]);
                if (slope is not null)
                    softmax.mul_(slope);
                biases?.Add(softmax, above);
                if (gradient is not null)
                    head.HiddenGradient(softmax, above, gradient.narrow(0, start, length));
                accumulator?.Add(head, softmax, above, rows);
            }
            _kept?.Dispose();
            _kept = null; // a second backward pass makes it again
            return gradient;
        }
    }
}
