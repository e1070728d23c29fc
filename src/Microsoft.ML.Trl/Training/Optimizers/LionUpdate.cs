using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>LION: arXiv:2302.06675, Algorithm 2. libtorch has no fused form of it.</summary>
/// <param name="settings">Its betas.</param>
internal sealed class LionUpdate(UpdateSettings settings) : IElementwiseUpdate
{
    /// <inheritdoc/>
    public int Moments => 1;

    /// <inheritdoc/>
    public bool IsFused => false;

    /// <inheritdoc/>
    public void Update(UpdateBatch batch)
    {
        Tensor[] means = batch.State(0);
        for (int i = 0; i < means.Length; i++)
        {
            Tensor weights = batch.Weights[i], gradient = batch.Gradient(i);
            if (batch.Step.WeightDecay != 0)
                weights.mul_(1 - (batch.Step.Rate * batch.Step.WeightDecay));
            Tensor direction = means[i].mul(settings.Beta1).add_(gradient, 1 - settings.Beta1).sign_();
            weights.add_(direction, -batch.Step.Rate);
            means[i].mul_(settings.Beta2).add_(gradient, 1 - settings.Beta2);
        }
    }
}
