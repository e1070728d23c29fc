using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>A batch with all that it is learnt from; no gradients. All tensors live in the scope of the step.</summary>
/// <param name="LogProbs">[N] under the policy that sampled.</param>
/// <param name="ReferenceLogProbs">[N]</param>
/// <param name="Values">[N] critic before each token, 0 where the mask is 0.</param>
/// <param name="Mask">[N] 1 where a token counts.</param>
/// <param name="GridPositions">[N] where each token stands in a grid [B, T-1].</param>
/// <param name="AdvantageGrid">[B, T-1] whitened, where the options ask for that.</param>
/// <param name="Advantages">[N] the same.</param>
/// <param name="Returns">[N] advantage before whitening, plus value.</param>
/// <param name="KlPerRow">[B] KL to the reference summed over the tokens of each response that count, in nats.</param>
internal sealed record PpoRollout(
    Tensor LogProbs, Tensor ReferenceLogProbs, Tensor Values, Tensor Mask, Tensor GridPositions,
    Tensor AdvantageGrid, Tensor Advantages, Tensor Returns, float[] KlPerRow)
{
    /// <summary>Mean of <see cref="KlPerRow"/>: what the KL controller steers.</summary>
    public double MeanKl => KlPerRow.Average(kl => (double)kl);

    /// <summary>The KL penalty of every token, and the score on the last one that counts.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="evaluation">What policy and reference say about them.</param>
    /// <param name="scores">[B]</param>
    /// <param name="klCoefficient">Reward units per nat.</param>
    /// <returns>[N]. The caller owns it.</returns>
    public static Tensor Rewards(RolloutBatch batch, PpoEvaluation evaluation, double[] scores, double klCoefficient)
    {
        using var scope = NewDisposeScope();
        var placed = new float[batch.TokenCount];
        for (int row = 0; row < batch.RowCount; row++)
            placed[batch.ScorePositions[row]] = (float)scores[row];
        Tensor penalty = evaluation.Kl * -klCoefficient;
        return (penalty + tensor(placed, device: penalty.device)).MoveToOuterDisposeScope();
    }

    /// <summary>Advantages and returns.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="evaluation">What policy, reference and critic say about them.</param>
    /// <param name="rewards">[N] of <see cref="Rewards"/>.</param>
    /// <param name="options">γ, λ and whitening.</param>
    public static PpoRollout Estimate(RolloutBatch batch, PpoEvaluation evaluation, Tensor rewards, PpoOptions options)
    {
        using var frozen = no_grad();
        Tensor mask = tensor(batch.Mask, device: rewards.device);                 // [N]
        Tensor grid = tensor(batch.GridPositions(), device: rewards.device);      // [N]
        Tensor values = evaluation.Values * mask;                                 // [N]
        Tensor maskGrid = batch.OnGrid(grid, mask);                               // [B, T-1]
        Tensor rewardGrid = batch.OnGrid(grid, rewards * mask);                   // [B, T-1]
        if (options.WhitenRewards)
            rewardGrid = Masked.Whiten(rewardGrid, maskGrid, shiftMean: false);
        Tensor raw = Numerics.Advantages.Estimate(
            rewardGrid, batch.OnGrid(grid, values), ones_like(maskGrid), options.Gamma, options.Lam); // [B, T-1]
        Tensor white = options.WhitenAdvantages ? Masked.Whiten(raw, maskGrid) : raw; // [B, T-1]
        return new PpoRollout(
            evaluation.LogProbs, evaluation.ReferenceLogProbs, values, mask, grid,
            AdvantageGrid: white,
            Advantages: white.view(-1).index_select(0, grid),
            Returns: raw.view(-1).index_select(0, grid) + values,
            KlPerRow: batch.OnGrid(grid, evaluation.Kl * mask).sum(1).cpu().data<float>().ToArray());
    }
}
