using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>RMSprop as torch.optim.RMSprop, of which libtorch has no fused form.</summary>
/// <param name="settings">Its epsilon.</param>
internal sealed class RmsPropUpdate(UpdateSettings settings) : IElementwiseUpdate
{
    private const double Alpha = 0.99;

    /// <inheritdoc/>
    public int Moments => 1;

    /// <inheritdoc/>
    public bool IsFused => false;

    /// <inheritdoc/>
    public void Update(UpdateBatch batch)
    {
        Tensor[] squares = batch.State(0);
        for (int i = 0; i < squares.Length; i++)
        {
            Tensor weights = batch.Weights[i], gradient = batch.Gradient(i);
            if (batch.Step.WeightDecay != 0)
                gradient = gradient.add(weights, batch.Step.WeightDecay);
            squares[i].mul_(Alpha).addcmul_(gradient, gradient, 1 - Alpha);
            weights.addcdiv_(gradient, squares[i].sqrt().add_(settings.Epsilon), -batch.Step.Rate);
        }
    }
}
