using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>The ratios of new to old probability of a pass. All tensors belong to the current scope.</summary>
/// <param name="Tokens">What the pass reads.</param>
/// <param name="LogProbs">[n] under the policy, with gradient.</param>
/// <param name="LogRatio">[n] new less old log-probability, with gradient.</param>
/// <param name="PerUnit">
/// Ratio of each token [n], or of each completion [b], by the level of the options; [n] too where each token has an advantage.
/// </param>
/// <param name="UnitAdvantages">Advantage of each of these.</param>
/// <param name="PerToken">[n] the ratio that counts for each token.</param>
/// <param name="Advantages">[n]</param>
internal sealed record GrpoRatios(
    GroupTokens Tokens, Tensor LogProbs, Tensor LogRatio, Tensor PerUnit, Tensor UnitAdvantages, Tensor PerToken, Tensor Advantages)
{
    /// <summary>The ratios of a level.</summary>
    public static GrpoRatios Of(GroupTokens tokens, Tensor now, ImportanceSamplingLevel level)
    {
        Tensor logRatio = now - (tokens.OldLogProbs ?? now.detach());
        Tensor advantages = tokens.TokenAdvantages ?? tokens.Spread(tokens.Advantages);
        if (level == ImportanceSamplingLevel.Token)
        {
            Tensor ratio = logRatio.exp();
            return new GrpoRatios(tokens, now, logRatio, ratio, advantages, ratio, advantages);
        }
        Tensor rows = tokens.MeanRows(logRatio).exp(), spread = tokens.Spread(rows);
        return tokens.TokenAdvantages is null
            ? new GrpoRatios(tokens, now, logRatio, rows, tokens.Advantages, spread, advantages)
            : new GrpoRatios(tokens, now, logRatio, spread, advantages, spread, advantages);
    }

    /// <summary>Means of a number per unit over each completion that has tokens.</summary>
    /// <returns>[completions with tokens]</returns>
    public Tensor RowMeans(Tensor units)
    {
        Tensor rows = units.shape[0] == Tokens.RowCount && !ReferenceEquals(PerUnit, PerToken) ? units : Tokens.MeanRows(units);
        return rows.masked_select(Tokens.Lengths() > 0);
    }
}
