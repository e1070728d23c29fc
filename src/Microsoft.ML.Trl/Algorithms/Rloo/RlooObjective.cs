using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Rloo;

/// <summary>The loss of REINFORCE leave-one-out, its advantages and its metrics: TRL v1.9.0.</summary>
internal sealed class RlooObjective(RlooOptions options) : IGroupObjective
{
    /// <summary>The KL that is taken from the reward is that of the weights that sampled.</summary>
    public bool NeedsOldLogProbs => true;

    public GroupJudgement Judge(GroupScores scores) => RlooAdvantages.Of(scores, options);

    public (Tensor Loss, Dictionary<string, float> Metrics) Loss(GroupTokens tokens, Tensor now, Tensor entropy, GroupTotals totals)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logRatios = tokens.SumRows(now - tokens.OldLogProbs!); // [b]
        Tensor costs = RlooLoss.Clipped(logRatios, tokens.Advantages, options.Epsilon, options.UpperEpsilon);
        Tensor loss = costs.sum() / totals.Rows;
        return (loss.MoveToOuterDisposeScope(), Figures(tokens, logRatios.detach().exp(), entropy));
    }

    private Dictionary<string, float> Figures(GroupTokens tokens, Tensor ratio, Tensor entropy)
    {
        using IDisposable frozen = no_grad();
        Tensor low = (ratio < 1 - options.Epsilon).logical_and(tokens.Advantages < 0).to_type(ScalarType.Float32);
        Tensor high = (ratio > 1 + options.UpperEpsilon).logical_and(tokens.Advantages > 0).to_type(ScalarType.Float32);
        Tensor[] figures = [entropy.mean(), low.mean(), low.min(), high.mean(), high.max(), (low + high).mean()];
        float[] numbers = stack(figures).cpu().data<float>().ToArray();
        return new Dictionary<string, float>
        {
            ["entropy"] = numbers[0],
            ["clip_ratio/low_mean"] = numbers[1],
            ["clip_ratio/low_min"] = numbers[2],
            ["clip_ratio/high_mean"] = numbers[3],
            ["clip_ratio/high_max"] = numbers[4],
            ["clip_ratio/region_mean"] = numbers[5],
        };
    }
}
