using Microsoft.ML.Trl.Operators;

namespace Microsoft.ML.Trl.Training;

/// <summary>Adam, by libtorch's operator for whole lists.</summary>
/// <param name="settings">Its betas and epsilon.</param>
/// <param name="isDecoupled">Whether decay acts on the weights (AdamW), and not on the gradient.</param>
internal sealed class AdamUpdate(UpdateSettings settings, bool isDecoupled) : IElementwiseUpdate
{
    /// <inheritdoc/>
    public int Moments => 2;

    /// <inheritdoc/>
    public bool IsFused => true;

    /// <inheritdoc/>
    public void Update(UpdateBatch batch)
    {
        var numbers = new FusedOptimizers.AdamNumbers(settings.Beta1, settings.Beta2, settings.Epsilon);
        var state = new FusedOptimizers.AdamState(batch.State(0), batch.State(1));
        if (isDecoupled)
            FusedOptimizers.AdamW(batch.Weights, batch.Gradients, state, numbers, batch.Step);
        else
            FusedOptimizers.Adam(batch.Weights, batch.Gradients, state, numbers, batch.Step);
    }
}
