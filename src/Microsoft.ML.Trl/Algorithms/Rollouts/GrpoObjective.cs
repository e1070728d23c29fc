using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>The loss of GRPO that options ask for, its advantages and its metrics: TRL v1.9.0.</summary>
internal sealed class GrpoObjective : IGroupObjective
{
    private readonly GrpoLossOptions _options;
    private readonly Func<GrpoRatios, (Tensor Costs, Tensor? Weights)> _cost; // [n], and [b] of completions where they have weights
    private readonly Func<Tensor, GroupTokens, GroupTotals, Tensor> _reduce;
    private readonly Func<GroupScores, GroupJudgement> _judge;
    private readonly EntropyBonus? _bonus;

    public GrpoObjective(GrpoLossOptions options)
    {
        _options = options;
        _cost = options.LossType switch
        {
            GrpoLossType.Cispo => at => (GrpoLoss.Cispo(at.PerToken, at.Advantages, at.LogProbs, options.UpperEpsilon), null),
            GrpoLossType.Sapo => at =>
                (GrpoLoss.Sapo(at.PerToken, at.Advantages, options.SapoTemperaturePos, options.SapoTemperatureNeg), null),
            GrpoLossType.Vespo => Vespo,
            _ => at => (GrpoLoss.Clipped(at.PerToken, at.Advantages, options.Epsilon, options.UpperEpsilon, options.Delta), null),
        };
        _reduce = GrpoReductions.Of(options);
        _judge = options.Judge();
        _bonus = options.RewardsEntropy ? new EntropyBonus(options) : null;
    }

    /// <summary>The KL that is taken from rewards is that of the weights that sampled.</summary>
    public bool NeedsOldLogProbs => _options.ChargesKl;

    public bool NeedsGreedyRewards => _options.NeedsGreedyRewards;

    public bool NeedsEntropyGradient => _bonus is not null;

    public GroupJudgement Judge(GroupScores scores) => _judge(scores);

    public Tensor Kl(Tensor logProbs, Tensor reference) => _options.ChargesKl ? KlEstimators.Difference(logProbs, reference)
        : _options.HasSquaredKl ? KlEstimators.Squared(logProbs, reference) : KlEstimators.LowVariance(logProbs, reference);

    public (Tensor Loss, Dictionary<string, float> Metrics) Loss(GroupTokens tokens, Tensor now, Tensor entropy, GroupTotals totals)
    {
        using DisposeScope scope = NewDisposeScope();
        var at = GrpoRatios.Of(tokens, now, _options.ImportanceSamplingLevel);
        (Tensor costs, Tensor? weights) = _cost(at);
        if (_options.OffPolicyMaskThreshold is { } threshold)
            costs *= NearPolicy(at, threshold);
        Tensor? top = _options.TopEntropyQuantile < 1 ? MostUncertain(entropy.detach(), _options.TopEntropyQuantile) : null;
        if (top is not null)
            costs *= top;
        Tensor? kl = tokens.ReferenceLogProbs is { } reference && !_options.ChargesKl ? Kl(at, reference) : null;
        if (kl is not null)
            costs += kl * _options.Beta;
        Tensor policyLoss = _reduce(costs, tokens, totals), loss = policyLoss;
        if (_bonus is not null)
            loss -= _bonus.Of(entropy, top ?? ones_like(now.detach()), totals, GrpoReductions.IsOverTokensOfStep(_options.LossType));
        Dictionary<string, float> metrics = GrpoFigures.Of(at, entropy, kl, _options);
        if (_bonus is not null)
        {
            bool perPass = !GrpoReductions.IsOverTokensOfStep(_options.LossType);
            metrics["policy_loss"] = policyLoss.item<float>() * (perPass ? totals.PassCount : 1); // as TRL has it
            metrics["entropy_coef"] = (float)_bonus.Coefficient;
        }
        if (weights is not null)
            metrics["vespo/phi_seq_mean"] = weights.mean().item<float>();
        return (loss.MoveToOuterDisposeScope(), metrics);
    }

    public void EndStep() => _bonus?.EndStep();

    /// <summary><c>exp(q - p) - (q - p) - 1</c> of each token (arXiv:2402.03300, Eq. 4), or half the square of q - p.</summary>
    private Tensor Kl(GrpoRatios at, Tensor reference)
    {
        Tensor kl = Kl(at.LogProbs, reference);
        return _options.UseBiasCorrectionKl ? kl * at.PerToken : kl;
    }

    private (Tensor Costs, Tensor Weights) Vespo(GrpoRatios at)
    {
        Tensor weights = GrpoLoss.VespoWeights(
            at.Tokens.SumRows(GrpoLoss.Bounded(at.LogRatio)), at.Tokens.Advantages,
            (_options.VespoKPos, _options.VespoLambdaPos), (_options.VespoKNeg, _options.VespoLambdaNeg));
        return ((at.Tokens.Spread(weights) * at.Advantages * at.LogProbs).neg(), weights);
    }

    /// <summary>
    /// [n] 1 where no advantage is negative, and for completions that the policy would still say: arXiv:2512.02556.
    /// </summary>
    private static Tensor NearPolicy(GrpoRatios at, double threshold) => (at.Advantages >= 0)
        .logical_or(at.Tokens.Spread(at.Tokens.MeanRows(-at.LogRatio.detach())) <= threshold).to_type(ScalarType.Float32);

    /// <summary>[n] 1 for the share of tokens that the policy is least sure of: arXiv:2506.01939.</summary>
    private static Tensor MostUncertain(Tensor entropy, double share) =>
        (entropy >= quantile(entropy, tensor(1 - share, ScalarType.Float32, entropy.device))).to_type(ScalarType.Float32);
}
