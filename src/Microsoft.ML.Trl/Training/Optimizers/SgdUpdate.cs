using Microsoft.ML.Trl.Operators;

namespace Microsoft.ML.Trl.Training;

/// <summary>Gradient descent, by libtorch's operator for whole lists.</summary>
internal sealed class SgdUpdate : IElementwiseUpdate
{
    /// <inheritdoc/>
    public int Moments => 0;

    /// <inheritdoc/>
    public bool IsFused => true;

    /// <inheritdoc/>
    public void Update(UpdateBatch batch) => FusedOptimizers.Sgd(batch.Weights, batch.Gradients, batch.Step);
}
