using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>
/// An update rule bound to its parameters. Owns its state: moments, and float32 master weights and gradient sums of parameters that
/// are narrower than float32. Call under no_grad.
/// </summary>
internal sealed class Optimizer : IDisposable
{
    private const double RmsPropAlpha = 0.99;
    private const double AdagradEpsilon = 1e-10;

    private readonly TrainingOptions _options;
    private readonly Slot[] _slots;

    /// <param name="parameters">What to train, each once.</param>
    /// <param name="options">The rule and its numbers. Biases and norm weights, the tensors of one dimension, never decay.</param>
    /// <param name="rateOf">By how much the learning rate of a parameter is multiplied; null = by 1.</param>
    public Optimizer(IReadOnlyList<Tensor> parameters, TrainingOptions options, Func<Tensor, double>? rateOf = null)
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        _options = options;
        int moments = options.Optim switch { OptimizerKind.Sgd => 0, OptimizerKind.RmsProp or OptimizerKind.Adagrad => 1, _ => 2 };
        _slots = [.. parameters.SelectMany(parameter => Slot.Of(parameter, moments, rateOf?.Invoke(parameter) ?? 1))];
    }

    /// <summary>
    /// Adds gradients narrower than float32 to float32 sums, so that small ones are not lost. Before each backward pass: the gradients of
    /// the last one, and so of a step that has one, need no sum.
    /// </summary>
    public void CollectGradients()
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (Slot slot in _slots.Where(slot => slot.IsNarrow))
            slot.Collect();
        foreach (Slot slot in _slots.Where(slot => slot.IsNarrow))
            slot.Parameter.grad = null!;
    }

    /// <summary>Euclidean norm over the gradients of all parameters.</summary>
    public double GradientNorm()
    {
        using DisposeScope scope = NewDisposeScope();
        return Gradients.Norm([.. Groups(_slots.Where(slot => slot.HasGradient)).Select(NormOf)]).item<float>();
    }

    /// <summary>
    /// Changes the parameters. One that had a gradient before and has none now, as an expert that no token went to, moves on as with a
    /// gradient of zeros.
    /// </summary>
    /// <param name="number">Of this step, counted from 1.</param>
    /// <param name="rate">Learning rate.</param>
    /// <param name="gradientDivisor">By which every gradient is divided first, from clipping; 1 leaves them.</param>
    public void Step(int number, double rate, double gradientDivisor)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor? divisor = gradientDivisor == 1
            ? null
            : tensor((float)gradientDivisor, device: _slots.Length == 0 ? CPU : _slots[0].Master.device);
        foreach (Slot[] group in Groups(_slots.Where(slot => slot.HasGradient || slot.HasMoved)))
            using (DisposeScope part = NewDisposeScope())
                Step(group, new FusedOptimizers.Step(number, rate * group[0].Rate, group[0].Decays ? _options.WeightDecay : 0, divisor));
    }

    /// <summary>Drops all gradients.</summary>
    public void ClearGradients()
    {
        foreach (Slot slot in _slots)
            slot.ClearGradient();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Slot slot in _slots)
            slot.Dispose();
    }

    /// <summary>Slots of equal decay and rate; narrow ones a few at a time.</summary>
    private static IEnumerable<Slot[]> Groups(IEnumerable<Slot> chosen)
    {
        long widened = 0;
        long Part(Slot slot) => slot.IsNarrow ? (widened += slot.Master.NumberOfElements) / Slot.MostWidened : 0;
        return chosen.GroupBy(slot => (slot.Decays, slot.Rate, Part(slot)), (_, slots) => slots.ToArray());
    }

    private static Tensor NormOf(Slot[] slots)
    {
        using DisposeScope scope = NewDisposeScope();
        return Gradients.Norm([.. slots.Select(slot => slot.Gradient())]).MoveToOuterDisposeScope();
    }

    private void Step(Slot[] slots, FusedOptimizers.Step step)
    {
        Tensor[] weights = [.. slots.Select(slot => slot.Master)], gradients = [.. slots.Select(slot => slot.Gradient())];
        Tensor[] Moments(int index) => [.. slots.Select(slot => slot.Moments[index])];
        var adam = new FusedOptimizers.AdamNumbers(_options.AdamBeta1, _options.AdamBeta2, _options.AdamEpsilon);
        switch (_options.Optim)
        {
            case OptimizerKind.AdamW:
                FusedOptimizers.AdamW(weights, gradients, new(Moments(0), Moments(1)), adam, step);
                break;
            case OptimizerKind.Adam:
                FusedOptimizers.Adam(weights, gradients, new(Moments(0), Moments(1)), adam, step);
                break;
            case OptimizerKind.Sgd:
                FusedOptimizers.Sgd(weights, gradients, step);
                break;
            case OptimizerKind.Adagrad:
                FusedOptimizers.Adagrad(weights, gradients, Moments(0), AdagradEpsilon, step);
                break;
            default:
                foreach ((Slot slot, Tensor gradient) in slots.Zip(gradients))
                    RmsProp(slot, gradient, step);
                break;
        }
        foreach (Slot slot in slots)
        {
            slot.HasMoved = true;
            if (slot.IsNarrow)
                slot.Rows(slot.Parameter).copy_(slot.Master);
        }
    }

    // libtorch has no fused form of it
    private void RmsProp(Slot slot, Tensor gradient, FusedOptimizers.Step step)
    {
        using DisposeScope scope = NewDisposeScope();
        if (step.GradientDivisor is { } divisor)
            gradient = gradient / divisor;
        if (step.WeightDecay != 0)
            gradient = gradient.add(slot.Master, step.WeightDecay);
        slot.Moments[0].mul_(RmsPropAlpha).addcmul_(gradient, gradient, 1 - RmsPropAlpha);
        slot.Master.addcdiv_(gradient, slot.Moments[0].sqrt().add_(_options.AdamEpsilon), -step.Rate);
    }

    /// <summary>One parameter, or some rows of one that is narrower than float32, with what the rule remembers of it.</summary>
    private sealed class Slot : IDisposable
    {
        /// <summary>Most numbers of a narrow slot; gradients of at most two are wide at a time: 32 MB, soon used again.</summary>
        public const long MostWidened = 4 << 20;

        private readonly long _first, _count; // rows of a narrow parameter
        private Tensor? _sum;

        private Slot(Tensor parameter, int moments, double rate, long first, long count)
        {
            (Parameter, Rate, _first, _count) = (parameter, rate, first, count);
            Master = IsNarrow ? Rows(parameter.detach()).to_type(ScalarType.Float32).DetachFromDisposeScope() : parameter;
            Moments = [.. Enumerable.Range(0, moments).Select(_ => zeros_like(Master).DetachFromDisposeScope())];
        }

        /// <summary>The whole parameter.</summary>
        public Tensor Parameter { get; }

        /// <summary>Narrower than float32.</summary>
        public bool IsNarrow => Parameter.dtype != ScalarType.Float32;

        /// <summary>What is trained: the parameter itself, or the float32 master of its rows.</summary>
        public Tensor Master { get; }

        public Tensor[] Moments { get; }

        /// <summary>By how much the learning rate is multiplied.</summary>
        public double Rate { get; }

        public bool Decays => Parameter.dim() >= 2;

        public bool HasGradient => _sum is not null || Parameter.grad is not null;

        /// <summary>Whether a step has changed it.</summary>
        public bool HasMoved { get; set; }

        public static IEnumerable<Slot> Of(Tensor parameter, int moments, double rate)
        {
            long rows = parameter.dim() == 0 ? 1 : parameter.shape[0], most = rows;
            if (parameter.dtype != ScalarType.Float32)
                most = Math.Max(1, MostWidened * rows / Math.Max(1, parameter.NumberOfElements));
            for (long first = 0; first < rows; first += most)
                yield return new Slot(parameter, moments, rate, first, Math.Min(most, rows - first));
        }

        /// <summary>The part of a tensor shaped like the parameter that belongs to this slot.</summary>
        public Tensor Rows(Tensor whole) => whole.dim() == 0 ? whole : whole.narrow(0, _first, _count);

        /// <summary>In float32; zeros where there is none. Belongs to the current scope, to the parameter or to this.</summary>
        public Tensor Gradient() => (_sum, Parameter.grad) switch
        {
            (var sum, { } gradient) when IsNarrow => sum?.add(Rows(gradient)) ?? Rows(gradient).to_type(ScalarType.Float32),
            var (sum, gradient) => sum ?? gradient ?? zeros_like(Master),
        };

        public void Collect()
        {
            if (Parameter.grad is not { } gradient)
                return;
            if (_sum is null)
                _sum = Rows(gradient).to_type(ScalarType.Float32).DetachFromDisposeScope();
            else
                _sum.add_(Rows(gradient));
        }

        public void ClearGradient()
        {
            Parameter.grad = null!;
            _sum?.Dispose();
            _sum = null;
        }

        public void Dispose()
        {
            _sum?.Dispose();
            if (IsNarrow)
                Master.Dispose();
            foreach (Tensor moment in Moments)
                moment.Dispose();
        }
    }
}
