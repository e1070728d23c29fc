using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>
/// An optimizer of TorchSharp that the user brings. It sees float32: the parameters themselves, or masters of those that are narrower.
/// </summary>
/// <param name="factory">Makes it; called once.</param>
/// <param name="peak">The rate at which its groups have their own rates.</param>
internal sealed class UserRule(
    Func<IReadOnlyList<(string Name, Parameter Value)>, optim.Optimizer> factory, double peak) : IUpdateRule
{
    private readonly Dictionary<ParameterSlot, Parameter> _targets = [];
    private optim.Optimizer? _optimizer;
    private (optim.ILearningRateController Group, double Rate)[] _groups = [];

    /// <inheritdoc/>
    public IReadOnlyList<Tensor> CreateState(Tensor parameter, StateMemory memory) => [];

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The factory threw, or gave nothing.</exception>
    public void Begin(IReadOnlyList<ParameterSlot> slots)
    {
        foreach (ParameterSlot slot in slots)
            _targets[slot] = Target(slot);
        try
        {
            _optimizer = factory([.. slots.Select(slot => (slot.Name, _targets[slot]))]);
        }
        catch (Exception cause)
        {
            throw new InvalidOperationException($"OptimizerFactory threw {cause.GetType().Name}: {cause.Message}", cause);
        }
        if (_optimizer is null)
            throw new InvalidOperationException(
                "OptimizerFactory returned null; it must return an optimizer over the parameters it is given.");
        _groups = [.. _optimizer.ParamGroups.Select(group => (group, group.LearningRate))];
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The optimizer threw.</exception>
    public void Step(IReadOnlyList<ParameterSlot> slots, UpdateStep step)
    {
        foreach (ParameterSlot slot in slots)
            _targets[slot].grad = Divided(slot, step);
        foreach ((optim.ILearningRateController group, double rate) in _groups)
            group.LearningRate = rate * step.Rate / peak;
        try
        {
            _optimizer!.step();
        }
        catch (Exception cause)
        {
            throw new InvalidOperationException(
                $"The optimizer that OptimizerFactory made threw {cause.GetType().Name} in update {step.Number}: {cause.Message}", cause);
        }
        foreach (ParameterSlot slot in slots)
        {
            _targets[slot].grad = null!;
            slot.HasMoved = true;
            if (slot.Master is { } master)
                slot.Parameter.copy_(master);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _optimizer?.Dispose();
        foreach ((ParameterSlot slot, Parameter target) in _targets)
            if (!ReferenceEquals(slot.Parameter, target))
                target.Dispose();
    }

    private static Parameter Target(ParameterSlot slot)
    {
        if (slot.Master is null && slot.Parameter is Parameter itself)
            return itself;
        Parameter target = new((slot.Master ?? slot.Parameter.detach()).alias());
        target.DetachFromDisposeScope();
        return target;
    }

    private static Tensor Divided(ParameterSlot slot, UpdateStep step)
    {
        Tensor gradient = slot.Gradient().to_type(ScalarType.Float32);
        return step.DivisorTensor is { } divisor ? gradient / divisor : gradient;
    }
}
