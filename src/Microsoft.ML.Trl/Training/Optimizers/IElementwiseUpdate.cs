using Microsoft.ML.Trl.Operators;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>A rule by which each weight moves by its own gradient and moments alone.</summary>
internal interface IElementwiseUpdate
{
    /// <summary>Numbers that are remembered of each weight.</summary>
    int Moments { get; }

    /// <summary>Whether one operator does the whole step, and lists of tensors are best handed over at once.</summary>
    bool IsFused { get; }

    /// <summary>Changes weights and moments in place.</summary>
    void Update(UpdateBatch batch);
}

/// <summary>Tensors that belong together element by element, of equal rate and decay.</summary>
/// <param name="Weights">Float32.</param>
/// <param name="Gradients">Float32; may be changed.</param>
/// <param name="State">Of each tensor its moments.</param>
/// <param name="Step">The numbers of the step.</param>
internal sealed record UpdateBatch(
    Tensor[] Weights, Tensor[] Gradients, Func<int, Tensor[]> State, FusedOptimizers.Step Step)
{
    /// <summary>Of each tensor its gradient, divided as the step says.</summary>
    public Tensor Gradient(int index) => Step.GradientDivisor is { } divisor ? Gradients[index] / divisor : Gradients[index];
}
