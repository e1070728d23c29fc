using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>
/// Entropy of the next token's distribution from hidden states as one node of the autograd graph, a chunk of rows at a time: [N, V] never
/// exists. For a method that rewards entropy; where it is only looked at, <see cref="LogProbs.WithStatistics"/> has it for nothing.
/// </summary>
internal sealed class HiddenEntropy : autograd.SingleTensorFunction<HiddenEntropy>
{
    public override string Name => nameof(HiddenEntropy);

    /// <summary>The entropies.</summary>
    /// <param name="hidden">[N, H] states before the vocabulary projection.</param>
    /// <param name="head">Vocabulary projection: parameters, to whose gradients <c>backward()</c> adds in place, or detached.</param>
    /// <returns>[N] float32, in nats, with gradient. The caller owns it.</returns>
    public static Tensor Of(Tensor hidden, VocabularyProjection head)
    {
        head.Check(hidden);
        using DisposeScope scope = NewDisposeScope();
        return apply(head.Scaled(hidden), head.Weight, head).MoveToOuterDisposeScope();
    }

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        using DisposeScope scope = NewDisposeScope();
        var (hidden, weight, projection) = ((Tensor)vars[0], (Tensor)vars[1], (VocabularyProjection)vars[2]);
        ctx.save_for_backward([hidden, weight]);
        ctx.save_data(nameof(VocabularyProjection), projection);
        ctx.save_data(nameof(Tensor.requires_grad), hidden.requires_grad);
        using var head = new VocabularyHead(projection, hidden.shape[0]);
        List<Tensor> parts = [];
        foreach ((long start, long length) in head.Chunks(hidden.shape[0]))
            parts.Add(Entropy(head.Logits(hidden.detach().contiguous().narrow(0, start, length)).log_softmax(-1)));
        return (parts.Count == 0 ? zeros(0, device: hidden.device) : cat(parts)).MoveToOuterDisposeScope();
    }

    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        using DisposeScope scope = NewDisposeScope();
        var projection = (VocabularyProjection)ctx.get_data(nameof(VocabularyProjection));
        Tensor hidden = ctx.get_saved_variables()[0].detach().contiguous();
        Tensor factors = grad_output.to_type(ScalarType.Float32).div(-projection.Temperature); // [N]
        Tensor? gradient = (bool)ctx.get_data(nameof(Tensor.requires_grad)) ? empty_like(hidden) : null;
        using var head = new VocabularyHead(projection, hidden.shape[0]);
        using WeightGradient? weights = WeightGradient.Of(projection.Weight);
        using BiasGradient? biases = BiasGradient.Of(projection.Bias);
        foreach ((long start, long length) in head.Chunks(hidden.shape[0]))
        {
            using DisposeScope chunk = NewDisposeScope();
            Tensor rows = hidden.narrow(0, start, length), above = factors.narrow(0, start, length);
            Tensor logits = head.Logits(rows);                              // [n, V]
            Tensor logProbs = logits.log_softmax(-1);
            Tensor slope = logProbs.exp() * (logProbs + Entropy(logProbs).unsqueeze(-1)); // of the negative entropy, by the logits
            if (projection.CapSlope(logits) is { } cap)
                slope.mul_(cap);
            biases?.Add(slope, above);
            if (gradient is not null)
                head.HiddenGradient(slope, above, gradient.narrow(0, start, length));
            weights?.Add(head, slope, above, rows);
        }
        return HandedGradients.Hand(grad_output, gradient, null, null); // the weight's gradient is already where it belongs
    }

    private static Tensor Entropy(Tensor logProbs) => (logProbs.exp() * logProbs).sum(-1).neg(); // [n, V] -> [n]
}
