using Microsoft.ML.Trl.Operators;

namespace Microsoft.ML.Trl.Training;

/// <summary>Adagrad, by libtorch's operator for whole lists.</summary>
internal sealed class AdagradUpdate : IElementwiseUpdate
{
    private const double Epsilon = 1e-10;

    /// <inheritdoc/>
    public int Moments => 1;

    /// <inheritdoc/>
    public bool IsFused => true;

    /// <inheritdoc/>
    public void Update(UpdateBatch batch) =>
        FusedOptimizers.Adagrad(batch.Weights, batch.Gradients, batch.State(0), Epsilon, batch.Step);
}
