using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>A rule for single weights with moments in float32.</summary>
/// <param name="update">The formula.</param>
internal sealed class MomentRule(IElementwiseUpdate update) : IUpdateRule
{
    /// <inheritdoc/>
    public IReadOnlyList<Tensor> CreateState(Tensor parameter, StateMemory memory) =>
        [.. Enumerable.Range(0, update.Moments).Select(_ => memory.Zeros(parameter.shape, ScalarType.Float32, parameter.device))];

    /// <inheritdoc/>
    public void Step(IReadOnlyList<ParameterSlot> slots, UpdateStep step)
    {
        IEnumerable<ParameterPart[]> groups = update.IsFused
            ? ParameterPart.Groups(slots)
            : slots.SelectMany(slot => slot.Pieces(ParameterPart.Cached)).Select(piece => new[] { piece });
        foreach (ParameterPart[] pieces in groups)
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor[] weights = [.. pieces.Select(piece => piece.Weights())];
            update.Update(new UpdateBatch(
                weights,
                [.. pieces.Select(piece => piece.Slot.GradientOf(piece))],
                moment => [.. pieces.Select(piece => piece.Of(piece.Slot.State[moment]))],
                step.For(pieces[0].Slot)));
            foreach ((ParameterPart piece, Tensor changed) in pieces.Zip(weights))
                piece.Store(changed, step);
        }
    }
}
