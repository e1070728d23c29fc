using Microsoft.ML.Trl.Operators;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>How gradients change weights. All members are called under no_grad.</summary>
internal interface IUpdateRule : IDisposable
{
    /// <summary>What the rule remembers of a parameter.</summary>
    /// <param name="parameter">Its tensor; only its shape and device count.</param>
    /// <param name="memory">Makes the tensors, and owns them.</param>
    IReadOnlyList<Tensor> CreateState(Tensor parameter, StateMemory memory);

    /// <summary>Called once, with all slots.</summary>
    void Begin(IReadOnlyList<ParameterSlot> slots) { }

    /// <summary>Changes weights.</summary>
    /// <param name="slots">Those with a gradient, or that had one before.</param>
    /// <param name="step">What holds for all of them.</param>
    void Step(IReadOnlyList<ParameterSlot> slots, UpdateStep step);

    void IDisposable.Dispose() { }
}

/// <summary>One update.</summary>
/// <param name="Number">Counted from 1.</param>
/// <param name="Rate">Learning rate, before the factors of parameters.</param>
/// <param name="WeightDecay">Of parameters that decay.</param>
/// <param name="Divisor">By which every gradient is divided first.</param>
/// <param name="DivisorTensor">The same as a float32 scalar on the device of the parameters; null = 1.</param>
internal sealed record UpdateStep(int Number, double Rate, double WeightDecay, double Divisor, Tensor? DivisorTensor)
{
    /// <summary>The numbers for one slot.</summary>
    public FusedOptimizers.Step For(ParameterSlot slot) => new(Number, Rate * slot.Rate, slot.Decays ? WeightDecay : 0, DivisorTensor);
}
