namespace Microsoft.ML.Trl;

/// <summary>
/// Settings of GRPO's loss, for the methods that have it: what advantages are made of the rewards, and what is minimised. TRL's names and
/// defaults (v1.9.0). Immutable; make variants with <c>with</c>.
/// </summary>
public abstract partial record GrpoLossOptions : GroupOptions
{
    /// <summary>What is minimised.</summary>
    public GrpoLossType LossType { get; init; } = GrpoLossType.Dapo;

    /// <summary>What has a ratio of new to old probability.</summary>
    public ImportanceSamplingLevel ImportanceSamplingLevel { get; init; }

    /// <summary>By what deviation advantages are divided. Not with <see cref="MultiObjectiveAggregation.NormalizeThenSum"/>.</summary>
    public ScaleRewards ScaleRewards { get; init; }

    /// <summary>How the scores of several rewards become one advantage.</summary>
    public MultiObjectiveAggregation MultiObjectiveAggregation { get; init; }

    /// <summary>
    /// Upper bound of ratios that are not clipped, which bounds the loss where the advantage is below 0: arXiv:2505.07291. Greater than
    /// 1 + <see cref="GroupOptions.Epsilon"/>; null = none. For the loss types that clip.
    /// </summary>
    public double? Delta { get; init; }

    /// <summary>τ of <see cref="GrpoLossType.Sapo"/> where the advantage is not above 0. Greater than 0.</summary>
    public double SapoTemperatureNeg { get; init; } = 1.05;

    /// <summary>τ of <see cref="GrpoLossType.Sapo"/> where the advantage is above 0. Greater than 0.</summary>
    public double SapoTemperaturePos { get; init; } = 1;

    /// <summary>k of <see cref="GrpoLossType.Vespo"/> where the advantage is not below 0. At least 0.</summary>
    public double VespoKPos { get; init; } = 2;

    /// <summary>λ of <see cref="GrpoLossType.Vespo"/> where the advantage is not below 0. At least 0.</summary>
    public double VespoLambdaPos { get; init; } = 3;

    /// <summary>k of <see cref="GrpoLossType.Vespo"/> where the advantage is below 0. At least 0.</summary>
    public double VespoKNeg { get; init; } = 3;

    /// <summary>λ of <see cref="GrpoLossType.Vespo"/> where the advantage is below 0. At least 0.</summary>
    public double VespoLambdaNeg { get; init; } = 2;

    /// <summary>
    /// Share of the tokens of a forward pass that are learnt, those of highest entropy: ρ of arXiv:2506.01939. In (0, 1]; 1 = all.
    /// </summary>
    public double TopEntropyQuantile { get; init; } = 1;

    /// <summary>Weight of the mean entropy per token, in nats, which is taken from the loss. 0 = none.</summary>
    public double EntropyCoef { get; init; }

    /// <summary>
    /// Let the weight of entropy follow <see cref="EntropyTarget"/>, from <see cref="EntropyCoef"/> on: arXiv:2505.22312. It counts only
    /// while the entropy of the step before was not above the target.
    /// </summary>
    public bool UseAdaptiveEntropy { get; init; }

    /// <summary>Least weight with <see cref="UseAdaptiveEntropy"/>.</summary>
    public double EntropyCoefMin { get; init; }

    /// <summary>Greatest weight with <see cref="UseAdaptiveEntropy"/>. At least <see cref="EntropyCoefMin"/>.</summary>
    public double EntropyCoefMax { get; init; } = 1;

    /// <summary>What a step adds to the weight, or takes from it. Greater than 0.</summary>
    public double EntropyCoefDelta { get; init; } = 0.005;

    /// <summary>Mean entropy per token, in nats, that the weight steers to. At least 0.</summary>
    public double EntropyTarget { get; init; } = 0.2;

    /// <summary>
    /// Learn nothing from completions of negative advantage whose tokens have become less likely by more than this many nats each, in the
    /// mean (arXiv:2512.02556, section 3.1); where each token has an advantage, from those tokens of them that have a negative one. Greater
    /// than 0; null = learn from all.
    /// </summary>
    public double? OffPolicyMaskThreshold { get; init; }

    /// <summary>Multiply the KL of a token with its ratio, which makes the estimate unbiased: arXiv:2512.02556, Eq. 7.</summary>
    public bool UseBiasCorrectionKl { get; init; }
}
