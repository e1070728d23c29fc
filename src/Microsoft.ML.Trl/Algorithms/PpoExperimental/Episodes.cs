using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.PpoExperimental;

/// <summary>What the models say about the response tokens of a step before they are learnt from; no gradients.</summary>
/// <param name="LogProbs">[N] under the policy that sampled.</param>
/// <param name="ReferenceLogProbs">[N]</param>
/// <param name="Values">[N] before each token.</param>
internal sealed record EpisodeEvaluation(Tensor LogProbs, Tensor ReferenceLogProbs, Tensor Values);

/// <summary>
/// The prompts and responses of a step with all that they are learnt from; no gradients. The tensors live in the scope of the step.
/// </summary>
/// <param name="Batch">The rows; in a recorded run, some with a token behind their end.</param>
/// <param name="Mask">[N] float32, 1 on tokens that the policy learns: all, but for those behind an end.</param>
/// <param name="LogProbs">[N] under the policy that sampled.</param>
/// <param name="Values">[N] before each token.</param>
/// <param name="Advantages">[N] scaled to mean 0 and variance 1 over the mask.</param>
/// <param name="Returns">[N] advantage before scaling, plus value.</param>
/// <param name="Figures">Of the step as a whole, under TRL's names.</param>
internal sealed record Episodes(
    RolloutBatch Batch, Tensor Mask, Tensor LogProbs, Tensor Values, Tensor Advantages, Tensor Returns,
    IReadOnlyDictionary<string, float> Figures)
{
    /// <summary>Tokens of some rows that the policy learns.</summary>
    public int TokenCount(IEnumerable<int> rows) =>
        rows.Sum(row => Batch.ResponseLength(row) - (Batch.Mask[Batch.TokensOf(row).End.Value - 1] == 0 ? 1 : 0));

    /// <summary>Tokens of some rows that the value model learns: all.</summary>
    public int ValueCount(IEnumerable<int> rows) => rows.Sum(Batch.ResponseLength);

    /// <summary>Places rewards, and estimates advantages and returns.</summary>
    /// <param name="batch">The rows.</param>
    /// <param name="models">What the models say about them.</param>
    /// <param name="scores">[B] of the responses, penalties included. Each goes to the last token of its row.</param>
    /// <param name="options">Price of KL, γ, λ and whitening.</param>
    public static Episodes Of(RolloutBatch batch, EpisodeEvaluation models, double[] scores, ExperimentalPpoOptions options)
    {
        using var frozen = no_grad();
        Device device = models.LogProbs.device;
        Tensor mask = tensor(batch.Mask, device: device);                    // [N]
        Tensor grid = tensor(batch.GridPositions(), device: device);         // [N]
        Func<Tensor, Tensor, Tensor> estimator =
            options.KlEstimator == KlEstimator.K1 ? KlEstimators.Difference : KlEstimators.LowVariance;
        Tensor kl = estimator(models.LogProbs, models.ReferenceLogProbs) * mask; // [N]
        Tensor rewards = Placed(batch, scores, device) - (kl * options.KlCoef);  // [N]
        Tensor tokens = batch.OnGrid(grid, ones_like(mask));                 // [B, T-1]
        Tensor rewardGrid = batch.OnGrid(grid, rewards);                     // [B, T-1]
        if (options.WhitenRewards)
            rewardGrid = Masked.Whiten(rewardGrid, tokens, shiftMean: false);
        Tensor raw = Numerics.Advantages.Estimate(
            rewardGrid, batch.OnGrid(grid, models.Values), tokens, options.Gamma, options.Lam); // [B, T-1]
        Tensor white = Masked.Whiten(raw, batch.OnGrid(grid, mask));         // [B, T-1]
        return new Episodes(
            batch, mask, models.LogProbs, models.Values,
            Advantages: white.view(-1).index_select(0, grid) * mask,
            Returns: raw.view(-1).index_select(0, grid) + models.Values,
            Summary(kl, models.LogProbs * mask, scores, options.KlCoef));
    }

    private static Tensor Placed(RolloutBatch batch, double[] scores, Device device)
    {
        var placed = new float[batch.TokenCount];
        for (int row = 0; row < batch.RowCount; row++)
            placed[batch.TokensOf(row).End.Value - 1] = (float)scores[row];
        return tensor(placed, device: device);
    }

    private static Dictionary<string, float> Summary(Tensor kl, Tensor logProbs, double[] scores, double klCoefficient)
    {
        float[] sums = stack([kl.sum(), logProbs.sum()]).cpu().data<float>().ToArray();
        float perRow = sums[0] / scores.Length, score = (float)scores.Average(), charge = (float)(-klCoefficient * perRow);
        return new Dictionary<string, float>
        {
            ["objective/kl"] = perRow,
            ["objective/entropy"] = -sums[1] / scores.Length,
            ["objective/non_score_reward"] = charge,
            ["objective/rlhf_reward"] = charge + score,
            ["objective/scores"] = score,
        };
    }
}
