using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>The update rules as tensor operations: any device, any floating type. Parameters below float32 keep a float32 master that is trained in their stead.</summary>
internal sealed class TensorUpdate : IParameterUpdate
{
    private const double RmsPropAlpha = 0.99;
    private const double AdagradEpsilon = 1e-10;

    private readonly OptimizerSettings _settings;
    private readonly Slot[] _slots;

    public TensorUpdate(IReadOnlyList<Tensor> parameters, OptimizerSettings settings)
    {
        using IDisposable noGrad = no_grad();
        using DisposeScope scope = NewDisposeScope();
        _settings = settings;
        int memories = settings.Kind switch { OptimizerKind.Sgd => 0, OptimizerKind.RmsProp or OptimizerKind.Adagrad => 1, _ => 2 };
        _slots = [.. parameters.Select(parameter => Slot.Create(parameter, memories, ParameterUpdates.DecayOf(parameter, settings)))];
    }

    public double GradientNorm()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor[] squares = [.. _slots.Select(slot => slot.Parameter.grad).OfType<Tensor>().Select(gradient => gradient.to_type(ScalarType.Float32).norm().pow(2))];
        return squares.Length == 0 ? 0 : Math.Sqrt(stack(squares).sum().item<float>());
    }

    public void Apply(int step, double rate, double gradientScale)
    {
        foreach (Slot slot in _slots)
        {
            using DisposeScope scope = NewDisposeScope();
            if (slot.Parameter.grad is not { } raw)
                continue;
            Tensor gradient = raw.to_type(ScalarType.Float32).mul(gradientScale);
            Update(slot, gradient, step, rate);
            if (!ReferenceEquals(slot.Master, slot.Parameter))
                slot.Parameter.copy_(slot.Master);
        }
    }

    public void Dispose()
    {
        foreach (Slot slot in _slots)
            slot.Dispose();
    }

    private void Update(Slot slot, Tensor gradient, int step, double rate)
    {
        if (_settings.Kind == OptimizerKind.AdamW)
            slot.Master.mul_(1 - (rate * slot.Decay));
        else if (slot.Decay != 0)
            gradient.add_(slot.Master, slot.Decay);
        switch (_settings.Kind)
        {
            case OptimizerKind.Sgd:
                slot.Master.add_(gradient, -rate);
                break;
            case OptimizerKind.RmsProp:
                slot.Memory[0].mul_(RmsPropAlpha).addcmul_(gradient, gradient, 1 - RmsPropAlpha);
                slot.Master.addcdiv_(gradient, slot.Memory[0].sqrt().add_(_settings.Epsilon), -rate);
                break;
            case OptimizerKind.Adagrad:
                slot.Memory[0].addcmul_(gradient, gradient, 1);
                slot.Master.addcdiv_(gradient, slot.Memory[0].sqrt().add_(AdagradEpsilon), -rate);
                break;
            default:
                Adam(slot, gradient, step, rate);
                break;
        }
    }

    private void Adam(Slot slot, Tensor gradient, int step, double rate)
    {
        Tensor mean = slot.Memory[0].mul_(_settings.Beta1).add_(gradient, 1 - _settings.Beta1);
        Tensor square = slot.Memory[1].mul_(_settings.Beta2).addcmul_(gradient, gradient, 1 - _settings.Beta2);
        Tensor denominator = square.sqrt().div_(Math.Sqrt(1 - Math.Pow(_settings.Beta2, step))).add_(_settings.Epsilon);
        slot.Master.addcdiv_(mean, denominator, -rate / (1 - Math.Pow(_settings.Beta1, step)));
    }

    /// <summary>One parameter with what the rule remembers of it.</summary>
    private sealed record Slot(Tensor Parameter, Tensor Master, Tensor[] Memory, double Decay) : IDisposable
    {
        public static Slot Create(Tensor parameter, int memories, double decay)
        {
            Tensor master = parameter.dtype == ScalarType.Float32 ? parameter : parameter.detach().to_type(ScalarType.Float32).DetachFromDisposeScope();
            Tensor[] memory = [.. Enumerable.Range(0, memories).Select(_ => zeros_like(master).DetachFromDisposeScope())];
            return new Slot(parameter, master, memory, decay);
        }

        public void Dispose()
        {
            if (!ReferenceEquals(Master, Parameter))
                Master.Dispose();
            foreach (Tensor tensor in Memory)
                tensor.Dispose();
        }
    }
}
