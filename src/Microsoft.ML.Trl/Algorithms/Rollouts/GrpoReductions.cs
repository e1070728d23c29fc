using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>
/// From the costs of tokens to a pass's share of the step's loss: the shares of all passes add up to the loss, however many there are (but
/// for the loss type whose definition is by passes).
/// </summary>
internal static class GrpoReductions
{
    /// <summary>That of a loss type.</summary>
    public static Func<Tensor, GroupTokens, GroupTotals, Tensor> Of(GrpoLossOptions options) => options.LossType switch
    {
        GrpoLossType.Grpo or GrpoLossType.Sapo => static (costs, tokens, totals) => tokens.MeanRows(costs).sum() / totals.Rows,
        GrpoLossType.Bnpo => static (costs, _, totals) => costs.mean() / totals.PassCount,
        GrpoLossType.DrGrpo => (costs, _, totals) => costs.sum() / ((double)totals.Rows * options.Generation.MaxNewTokens),
        GrpoLossType.Luspo => static (costs, _, totals) => costs.sum() / totals.Rows,
        _ => static (costs, _, totals) => costs.sum() / totals.Tokens,
    };

    /// <summary>Whether the mean is one over all tokens of the step.</summary>
    public static bool IsOverTokensOfStep(GrpoLossType type) => type is GrpoLossType.Dapo or GrpoLossType.Cispo or GrpoLossType.Vespo;
}
