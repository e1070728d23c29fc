namespace Microsoft.ML.Trl;

public sealed partial record GrpoOptions
{
    internal override bool ChargesKl => Beta != 0 && HasTokenAdvantages && !UseKlLoss;

    internal override bool HasSquaredKl => HasTokenAdvantages && KlEstimator == KlEstimator.K2;

    internal override bool NeedsGreedyRewards => AdvantageEstimator == AdvantageEstimator.ReMax;

    private bool HasTokenAdvantages => AdvantageEstimator != AdvantageEstimator.Group;

    private protected override int FewestGenerations =>
        AdvantageEstimator is AdvantageEstimator.ReinforcePlusPlus or AdvantageEstimator.ReMax ? 1 : 2;

    internal override Func<GroupScores, GroupJudgement> Judge() => AdvantageEstimator switch
    {
        AdvantageEstimator.ReinforcePlusPlus => scores => ReinforceAdvantages.PlusPlus(scores, this),
        AdvantageEstimator.ReinforcePlusPlusBaseline => scores => ReinforceAdvantages.PlusPlusBaseline(scores, this),
        AdvantageEstimator.ReMax => scores => ReinforceAdvantages.ReMax(scores, this),
        _ => base.Judge(),
    };

    internal override IEnumerable<string> WithoutEffect()
    {
        foreach (string unused in base.WithoutEffect())
            yield return unused;
        if (Beta == 0 && UseKlLoss)
            yield return "UseKlLoss with Beta 0";
        if (ChargesKl && UseBiasCorrectionKl)
            yield return "UseBiasCorrectionKl where KL is taken from rewards";
        if (!HasTokenAdvantages && (UseKlLoss || KlEstimator != KlEstimator.K1))
            yield return "UseKlLoss and KlEstimator with AdvantageEstimator Group";
        if (HasTokenAdvantages && ScaleRewards != ScaleRewards.Group)
            yield return $"ScaleRewards with AdvantageEstimator {AdvantageEstimator}";
    }

    internal override GroupOptions Checked() => Validated();

    internal override IGroupObjective Objective() => new GrpoObjective(this);

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range, or two contradict each other; the message names them.</exception>
    internal GrpoOptions Validated()
    {
        ValidateGroups();
        ValidateEstimator();
        ValidateLoss();
        if ((HasTurns || RolloutFunc is not null) && AdvantageEstimator == AdvantageEstimator.ReMax)
            throw new NotSupportedException(
                "AdvantageEstimator ReMax compares with a completion of a single turn, which is no baseline for Tools, "
                + "EnvironmentFactory and RolloutFunc; use Group.");
        return this;
    }

    private void ValidateEstimator()
    {
        Require.Known(AdvantageEstimator);
        Require.Known(KlEstimator);
        if (!HasTokenAdvantages)
            return;
        string who = $"AdvantageEstimator {AdvantageEstimator} gives each token an advantage";
        if (ImportanceSamplingLevel != ImportanceSamplingLevel.Token)
            throw new ArgumentException(
                $"{who}; ImportanceSamplingLevel ({ImportanceSamplingLevel}) must be Token.", nameof(ImportanceSamplingLevel));
        if (LossType is GrpoLossType.Luspo or GrpoLossType.Vespo)
            throw new ArgumentException(
                $"{who}, but LossType {LossType} weighs whole completions; use another, such as Dapo.", nameof(LossType));
        if (MultiObjectiveAggregation != MultiObjectiveAggregation.SumThenNormalize)
            throw new ArgumentException(
                $"{who} from the sum of the rewards; MultiObjectiveAggregation ({MultiObjectiveAggregation}) must be SumThenNormalize.",
                nameof(MultiObjectiveAggregation));
        if (UseKlLoss && KlEstimator == KlEstimator.K1)
            throw new ArgumentException(
                "UseKlLoss is true, but the gradient of KlEstimator K1 does not draw to the reference; use K2 or K3.", nameof(KlEstimator));
    }
}
