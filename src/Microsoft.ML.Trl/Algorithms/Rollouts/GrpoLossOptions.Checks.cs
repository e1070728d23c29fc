namespace Microsoft.ML.Trl;

public abstract partial record GrpoLossOptions
{
    /// <summary>Whether ratios are clipped.</summary>
    internal bool Clips => LossType
        is GrpoLossType.Grpo or GrpoLossType.DrGrpo or GrpoLossType.Dapo or GrpoLossType.Bnpo or GrpoLossType.Luspo;

    /// <summary>Whether entropy is part of the loss.</summary>
    internal bool RewardsEntropy => EntropyCoef != 0 || UseAdaptiveEntropy;

    /// <summary>Whether KL is taken from rewards.</summary>
    internal virtual bool ChargesKl => false;

    /// <summary>Whether the loss has half the square of log-ratios for its KL.</summary>
    internal virtual bool HasSquaredKl => false;

    /// <summary>Whether the rewards of the likeliest completions are wanted.</summary>
    internal virtual bool NeedsGreedyRewards => false;

    /// <summary>What makes advantages of the scores of a generation.</summary>
    internal virtual Func<GroupScores, GroupJudgement> Judge() => MultiObjectiveAggregation == MultiObjectiveAggregation.NormalizeThenSum
        ? GrpoAdvantages.NormalizeThenSum : scores => GrpoAdvantages.SumThenNormalize(scores, ScaleRewards);

    internal override IEnumerable<string> WithoutEffect()
    {
        foreach (string unused in base.WithoutEffect())
            yield return unused;
        if (!Clips && Delta is not null)
            yield return $"Delta with LossType {LossType}";
        if (!Clips && LossType != GrpoLossType.Cispo && (Epsilon != 0.2 || EpsilonHigh is not null))
            yield return $"Epsilon and EpsilonHigh with LossType {LossType}";
        if (LossType == GrpoLossType.Cispo && Epsilon != 0.2)
            yield return "Epsilon with LossType Cispo, which caps at EpsilonHigh";
        if (LossType != GrpoLossType.Sapo && (SapoTemperatureNeg != 1.05 || SapoTemperaturePos != 1))
            yield return $"SapoTemperatureNeg and SapoTemperaturePos with LossType {LossType}";
        if (LossType != GrpoLossType.Vespo && (VespoKPos != 2 || VespoLambdaPos != 3 || VespoKNeg != 3 || VespoLambdaNeg != 2))
            yield return $"VespoKPos, VespoLambdaPos, VespoKNeg and VespoLambdaNeg with LossType {LossType}";
        if (LossType == GrpoLossType.Vespo && ImportanceSamplingLevel == ImportanceSamplingLevel.Sequence && !UseBiasCorrectionKl)
            yield return "ImportanceSamplingLevel with LossType Vespo, which weighs whole completions";
        if (Beta == 0 && UseBiasCorrectionKl)
            yield return "UseBiasCorrectionKl with Beta 0";
        if (!UseAdaptiveEntropy
            && (EntropyCoefMin != 0 || EntropyCoefMax != 1 || EntropyCoefDelta != 0.005 || EntropyTarget != 0.2))
            yield return "EntropyCoefMin, EntropyCoefMax, EntropyCoefDelta and EntropyTarget without UseAdaptiveEntropy";
        if (OffPolicyMaskThreshold is not null && GradientAccumulationSteps % ((long)PassesPerGeneration * NumIterations) == 0)
            yield return "OffPolicyMaskThreshold where each step learns from completions of its own";
    }

    /// <summary>Throws an <see cref="ArgumentException"/> that names the first property out of its range, or two that contradict.</summary>
    private protected void ValidateLoss()
    {
        Require.Known(LossType);
        Require.Known(ImportanceSamplingLevel);
        Require.Known(ScaleRewards);
        Require.Known(MultiObjectiveAggregation);
        Require.Positive(SapoTemperatureNeg);
        Require.Positive(SapoTemperaturePos);
        Require.NotNegative(VespoKPos);
        Require.NotNegative(VespoLambdaPos);
        Require.NotNegative(VespoKNeg);
        Require.NotNegative(VespoLambdaNeg);
        Require.Positive(TopEntropyQuantile);
        Require.Between(TopEntropyQuantile, 0, 1);
        Require.Positive(OffPolicyMaskThreshold);
        ValidateEntropy();
        if (Delta is { } delta && !(delta > 1 + Epsilon && double.IsFinite(delta)))
            throw new ArgumentException(FormattableString.Invariant(
                $"Delta ({delta}) must be greater than 1 + Epsilon ({1 + Epsilon}): it bounds the ratios that are not clipped."),
                nameof(Delta));
        if (LossType == GrpoLossType.Cispo && EpsilonHigh is null)
            throw new ArgumentException(
                "LossType Cispo caps ratios at EpsilonHigh, which is not set; set it, to 5 as arXiv:2510.13786 has it.",
                nameof(EpsilonHigh));
        if (LossType == GrpoLossType.Luspo && ImportanceSamplingLevel != ImportanceSamplingLevel.Sequence)
            throw new ArgumentException(
                "LossType Luspo multiplies the cost of whole completions with their lengths; set ImportanceSamplingLevel to Sequence.",
                nameof(ImportanceSamplingLevel));
        if (MultiObjectiveAggregation == MultiObjectiveAggregation.NormalizeThenSum && ScaleRewards != ScaleRewards.Group)
            throw new ArgumentException(
                $"MultiObjectiveAggregation NormalizeThenSum scales each reward within its group; ScaleRewards ({ScaleRewards}) must be "
                + "Group.", nameof(ScaleRewards));
    }

    private void ValidateEntropy()
    {
        Require.Finite(EntropyCoef);
        Require.Finite(EntropyCoefMin);
        Require.Finite(EntropyCoefMax);
        Require.Positive(EntropyCoefDelta);
        Require.NotNegative(EntropyTarget);
        if (EntropyCoefMin > EntropyCoefMax)
            throw new ArgumentException(FormattableString.Invariant(
                $"EntropyCoefMin ({EntropyCoefMin}) must not be greater than EntropyCoefMax ({EntropyCoefMax})."), nameof(EntropyCoefMin));
    }
}
