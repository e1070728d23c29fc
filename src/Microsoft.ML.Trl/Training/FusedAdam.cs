using System.Numerics;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>Adam and AdamW in one pass over the memory of each parameter: decay, both moments and the update, on all threads.</summary>
internal sealed unsafe class FusedAdam : IParameterUpdate
{
    /// <summary>Numbers per piece of work: four arrays of them fit the second-level cache.</summary>
    private const int PieceLength = 1 << 15;

    private readonly OptimizerSettings _settings;
    private readonly Tensor[] _parameters;
    private readonly Tensor[] _means;
    private readonly Tensor[] _squares;
    private readonly (int Parameter, long Start, int Count)[] _pieces;

    public FusedAdam(IReadOnlyList<Tensor> parameters, OptimizerSettings settings)
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        _settings = settings;
        _parameters = [.. parameters];
        _means = [.. parameters.Select(parameter => zeros_like(parameter).DetachFromDisposeScope())];
        _squares = [.. parameters.Select(parameter => zeros_like(parameter).DetachFromDisposeScope())];
        _pieces = [.. Pieces(_parameters)];
    }

    public double GradientNorm()
    {
        using DisposeScope scope = NewDisposeScope();
        nint[] gradients = Gradients();
        var sums = new double[_pieces.Length];
        FloatMemory.InParallel(_pieces.Length, index =>
        {
            var (parameter, start, count) = _pieces[index];
            if (gradients[parameter] != 0)
                sums[index] = SumOfSquares((float*)gradients[parameter] + start, count);
        });
        return Math.Sqrt(sums.Sum());
    }

    public void Apply(int step, double rate, double gradientScale)
    {
        using DisposeScope scope = NewDisposeScope();
        nint[] gradients = Gradients();
        var values = Array.ConvertAll(_parameters, Address);
        var means = Array.ConvertAll(_means, Address);
        var squares = Array.ConvertAll(_squares, Address);
        Coefficients[] coefficients = [.. _parameters.Select(parameter => new Coefficients(_settings, ParameterUpdates.DecayOf(parameter, _settings), step, rate, gradientScale))];
        FloatMemory.InParallel(_pieces.Length, index =>
        {
            var (parameter, start, count) = _pieces[index];
            if (gradients[parameter] == 0)
                return;
            Update(
                (float*)values[parameter] + start,
                (float*)gradients[parameter] + start,
                (float*)means[parameter] + start,
                (float*)squares[parameter] + start,
                count,
                coefficients[parameter]);
        });
        GC.KeepAlive(this);
    }

    public void Dispose()
    {
        foreach (Tensor tensor in _means.Concat(_squares))
            tensor.Dispose();
    }

    /// <summary>Addresses of the gradients, 0 where there is none. The tensors belong to the current scope.</summary>
    private nint[] Gradients() => Array.ConvertAll(_parameters, parameter => parameter.grad is { } gradient ? Address(gradient.contiguous()) : 0);

    private static nint Address(Tensor tensor) => (nint)FloatMemory.Pointer(tensor);

    private static IEnumerable<(int, long, int)> Pieces(Tensor[] parameters)
    {
        for (int index = 0; index < parameters.Length; index++)
            for (long start = 0, end = parameters[index].NumberOfElements; start < end; start += PieceLength)
                yield return (index, start, (int)Math.Min(PieceLength, end - start));
    }

    private static double SumOfSquares(float* gradient, int count)
    {
        int width = Vector<float>.Count, at = 0;
        Vector<float> even = Vector<float>.Zero, odd = Vector<float>.Zero;
        for (; at <= count - (2 * width); at += 2 * width)
        {
            Vector<float> first = Vector.Load(gradient + at), second = Vector.Load(gradient + at + width);
            even = Vector.FusedMultiplyAdd(first, first, even);
            odd = Vector.FusedMultiplyAdd(second, second, odd);
        }
        double sum = Vector.Sum(even + odd);
        for (; at < count; at++)
            sum += gradient[at] * (double)gradient[at];
        return sum;
    }

    private static void Update(float* value, float* gradient, float* mean, float* square, int count, in Coefficients by)
    {
        int width = Vector<float>.Count, at = 0;
        Vector<float> scale = new(by.GradientScale), addedDecay = new(by.AddedDecay), kept = new(by.Kept), newMean = new(by.NewMean);
        Vector<float> beta2 = new(by.Beta2), newSquare = new(by.NewSquare), correction = new(by.SquareCorrection), epsilon = new(by.Epsilon), rate = new(by.Rate);
        for (; at <= count - width; at += width)
        {
            Vector<float> v = Vector.Load(value + at), m = Vector.Load(mean + at);
            Vector<float> g = Vector.FusedMultiplyAdd(v, addedDecay, Vector.Load(gradient + at) * scale);
            m = Vector.FusedMultiplyAdd(g - m, newMean, m);
            Vector<float> s = Vector.FusedMultiplyAdd(g * g, newSquare, Vector.Load(square + at) * beta2);
            Vector<float> denominator = Vector.FusedMultiplyAdd(Vector.SquareRoot(s), correction, epsilon);
            Vector.Store((v * kept) - (rate * (m / denominator)), value + at);
            Vector.Store(m, mean + at);
            Vector.Store(s, square + at);
        }
        for (; at < count; at++)
        {
            float g = (gradient[at] * by.GradientScale) + (value[at] * by.AddedDecay);
            mean[at] += (g - mean[at]) * by.NewMean;
            square[at] = (square[at] * by.Beta2) + (g * g * by.NewSquare);
            value[at] = (value[at] * by.Kept) - (by.Rate * (mean[at] / ((MathF.Sqrt(square[at]) * by.SquareCorrection) + by.Epsilon)));
        }
    }

    /// <summary>The numbers of one step: arXiv:1412.6980, Alg. 1 and arXiv:1711.05101, Alg. 2, in the order of PyTorch.</summary>
    private readonly struct Coefficients(OptimizerSettings settings, double decay, int step, double rate, double gradientScale)
    {
        public readonly float GradientScale = (float)gradientScale;
        public readonly float AddedDecay = settings.Kind == OptimizerKind.Adam ? (float)decay : 0;
        public readonly float Kept = settings.Kind == OptimizerKind.AdamW ? (float)(1 - (rate * decay)) : 1;
        public readonly float NewMean = (float)(1 - settings.Beta1);
        public readonly float Beta2 = (float)settings.Beta2;
        public readonly float NewSquare = (float)(1 - settings.Beta2);
        public readonly float SquareCorrection = (float)(1 / Math.Sqrt(1 - Math.Pow(settings.Beta2, step)));
        public readonly float Epsilon = (float)settings.Epsilon;
        public readonly float Rate = (float)(rate / (1 - Math.Pow(settings.Beta1, step)));
    }
}
