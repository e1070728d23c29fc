using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>
/// Adafactor: arXiv:1804.04235, Algorithm 4, without relative steps and without a first moment. Of a matrix it remembers the mean squares
/// of rows and columns; what stands between them is made anew for some rows at a time.
/// </summary>
internal sealed class AdafactorRule : IUpdateRule
{
    private const double Epsilon = 1e-30, ClipThreshold = 1, DecayRate = -0.8;

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> CreateState(Tensor parameter, StateMemory memory)
    {
        long[] shape = parameter.shape;
        Tensor Zeros(params long[] size) => memory.Zeros(size, ScalarType.Float32, parameter.device);
        return shape.Length < 2 ? [Zeros(shape)] : [Zeros(shape[..^1]), Zeros([.. shape[..^2], shape[^1]])];
    }

    /// <inheritdoc/>
    public void Step(IReadOnlyList<ParameterSlot> slots, UpdateStep step)
    {
        foreach (ParameterSlot slot in slots)
        {
            using DisposeScope scope = NewDisposeScope();
            // tensors of more dimensions are stacks of matrices, a row of which is a matrix: they go whole
            ParameterPart[] pieces = [.. slot.Pieces(slot.Parameter.dim() == 2 ? ParameterPart.Cached : long.MaxValue)];
            double old = 1 - Math.Pow(step.Number, DecayRate);
            Func<ParameterPart, Tensor> scaled = slot.State.Count == 1 ? Whole(slot, pieces, step, old) : Factored(slot, pieces, step, old);
            double squares = Sum(pieces, piece => scaled(piece).square().sum());
            double rms = Math.Sqrt(squares / Math.Max(1, slot.Parameter.NumberOfElements));
            Change(pieces, scaled, step, 1 / Math.Max(1, rms / ClipThreshold));
        }
    }

    /// <summary>Keeps a mean of squares for each number.</summary>
    /// <returns>Gives the gradient of a piece over its root.</returns>
    private static Func<ParameterPart, Tensor> Whole(ParameterSlot slot, ParameterPart[] pieces, UpdateStep step, double old)
    {
        Tensor means = slot.State[0];
        foreach (ParameterPart piece in pieces)
        {
            using DisposeScope scope = NewDisposeScope();
            piece.Of(means).mul_(old).add_(Gradient(piece, step).square().add_(Epsilon), 1 - old);
        }
        return piece => piece.Of(means).rsqrt().mul_(Gradient(piece, step));
    }

    /// <summary>Keeps means of squares of rows and columns.</summary>
    /// <returns>Gives the gradient of a piece over the root of their product.</returns>
    private static Func<ParameterPart, Tensor> Factored(ParameterSlot slot, ParameterPart[] pieces, UpdateStep step, double old)
    {
        (Tensor rows, Tensor columns) = (slot.State[0], slot.State[1]);
        Tensor sums = zeros_like(columns);
        foreach (ParameterPart piece in pieces)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor squares = Gradient(piece, step).square().add_(Epsilon);
            piece.Of(rows).mul_(old).add_(squares.mean([-1]), 1 - old);
            sums.add_(squares.sum(-2));
        }
        columns.mul_(old).add_(sums.div_(slot.Parameter.size(-2)), 1 - old);
        Tensor rowFactors = (rows / rows.mean([-1], keepdim: true)).rsqrt_().unsqueeze(-1);
        Tensor columnFactors = columns.unsqueeze(-2).rsqrt();
        return piece => (Gradient(piece, step) * columnFactors).mul_(piece.Of(rowFactors));
    }

    private static void Change(ParameterPart[] pieces, Func<ParameterPart, Tensor> scaled, UpdateStep step, double factor)
    {
        foreach (ParameterPart piece in pieces)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor weights = piece.Weights();
            double rate = step.Rate * piece.Slot.Rate;
            if (piece.Slot.Decays && step.WeightDecay != 0)
                weights.mul_(1 - (rate * step.WeightDecay));
            weights.add_(scaled(piece), -rate * factor);
            piece.Store(weights, step);
        }
    }

    private static double Sum(ParameterPart[] pieces, Func<ParameterPart, Tensor> part)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor sum = zeros([], ScalarType.Float32, pieces[0].Slot.Parameter.device);
        foreach (ParameterPart piece in pieces)
            using (DisposeScope inner = NewDisposeScope())
                sum.add_(part(piece));
        return sum.item<float>();
    }

    private static Tensor Gradient(ParameterPart piece, UpdateStep step) =>
        step.DivisorTensor is { } divisor ? piece.Slot.GradientOf(piece) / divisor : piece.Slot.GradientOf(piece);
}
