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
    public Optimizer(IReadOnlyList<Tensor> parameters, TrainingOptions options)
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        _options = options;
        int moments = options.Optim switch { OptimizerKind.Sgd => 0, OptimizerKind.RmsProp or OptimizerKind.Adagrad => 1, _ => 2 };
        _slots = [.. parameters.Select(parameter => new Slot(parameter, moments))];
    }

    /// <summary>Adds gradients narrower than float32 to float32 sums, so that small ones are not lost. After each backward pass.</summary>
    public void CollectGradients()
    {
        using DisposeScope scope = NewDisposeScope();
        foreach (Slot slot in _slots.Where(slot => slot.IsNarrow))
            slot.Collect();
    }

    /// <summary>Euclidean norm over the gradients of all parameters.</summary>
    public double GradientNorm()
    {
        using DisposeScope scope = NewDisposeScope();
        return Gradients.Norm([.. _slots.Select(slot => slot.Gradient).OfType<Tensor>()]).item<float>();
    }

    /// <summary>Changes the parameters.</summary>
    /// <param name="number">Of this step, counted from 1.</param>
    /// <param name="rate">Learning rate.</param>
    /// <param name="gradientDivisor">By which every gradient is divided first, from clipping; 1 leaves them.</param>
    public void Step(int number, double rate, double gradientDivisor)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor? divisor = gradientDivisor == 1
            ? null
            : tensor((float)gradientDivisor, device: _slots.Length == 0 ? CPU : _slots[0].Master.device);
        foreach (IGrouping<bool, Slot> group in _slots.Where(slot => slot.Gradient is not null).GroupBy(slot => slot.Decays))
            Step([.. group], new FusedOptimizers.Step(number, rate, group.Key ? _options.WeightDecay : 0, divisor));
        foreach (Slot slot in _slots.Where(slot => slot.IsNarrow))
            slot.Parameter.copy_(slot.Master);
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

    private void Step(Slot[] slots, FusedOptimizers.Step step)
    {
        Tensor[] weights = [.. slots.Select(slot => slot.Master)], gradients = [.. slots.Select(slot => slot.Gradient!)];
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
                foreach (Slot slot in slots)
                    RmsProp(slot, step);
                break;
        }
    }

    // libtorch has no fused form of it
    private void RmsProp(Slot slot, FusedOptimizers.Step step)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor gradient = step.GradientDivisor is { } divisor ? slot.Gradient! / divisor : slot.Gradient!;
        if (step.WeightDecay != 0)
            gradient = gradient.add(slot.Master, step.WeightDecay);
        slot.Moments[0].mul_(RmsPropAlpha).addcmul_(gradient, gradient, 1 - RmsPropAlpha);
        slot.Master.addcdiv_(gradient, slot.Moments[0].sqrt().add_(_options.AdamEpsilon), -step.Rate);
    }

    /// <summary>One parameter with what the rule remembers of it.</summary>
    private sealed class Slot : IDisposable
    {
        private Tensor? _sum;

        public Slot(Tensor parameter, int moments)
        {
            Parameter = parameter;
            IsNarrow = parameter.dtype != ScalarType.Float32;
            Master = IsNarrow ? parameter.detach().to_type(ScalarType.Float32).DetachFromDisposeScope() : parameter;
            Moments = [.. Enumerable.Range(0, moments).Select(_ => zeros_like(Master).DetachFromDisposeScope())];
        }

        public Tensor Parameter { get; }

        /// <summary>Narrower than float32.</summary>
        public bool IsNarrow { get; }

        /// <summary>What is trained: the parameter itself, or its float32 master.</summary>
        public Tensor Master { get; }

        public Tensor[] Moments { get; }

        public bool Decays => Parameter.dim() >= 2;

        /// <summary>In float32; null where there is none. Belongs to the current scope or to this.</summary>
        public Tensor? Gradient => IsNarrow ? _sum : Parameter.grad;

        public void Collect()
        {
            if (Parameter.grad is not { } gradient)
                return;
            if (_sum is null)
                _sum = gradient.to_type(ScalarType.Float32).DetachFromDisposeScope();
            else
                _sum.add_(gradient);
            Parameter.grad = null!;
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
