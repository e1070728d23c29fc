using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>Settings of direct preference optimisation, with TRL's names and defaults (v1.9.0). Immutable; vary with <c>with</c>.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record DpoOptions : ReferenceOptions
{
    /// <summary>Pull to the reference: β of arXiv:2305.18290, Eq. 7 (τ for <see cref="DpoLossType.Ipo"/>). Unitless, above 0.</summary>
    public double Beta { get; init; } = 0.1;

    /// <summary>The losses, added up with <see cref="LossWeights"/>. At least one; sigmoid, bco_pair and sft together are MPO.</summary>
    public IReadOnlyList<DpoLossType> LossType { get; init; } = [DpoLossType.Sigmoid];

    /// <summary>One factor per loss; null = 1 each. MPO takes 0.8, 0.2 and 1.</summary>
    public IReadOnlyList<double>? LossWeights { get; init; }

    /// <summary>
    /// Share of labels thought to be wrong, in [0, 0.5): for robust, aot and aot_unpaired; for exo_pair its ε, greater than 0 (1e-3 in the
    /// paper). The other losses have no use for it, and it is refused where none of <see cref="LossType"/> has.
    /// </summary>
    public double LabelSmoothing { get; init; }

    /// <summary>Which divergence holds the policy near the reference. aot, aot_unpaired, apo_zero and sft know reverse KL only.</summary>
    public FDivergenceType FDivergenceType { get; init; } = FDivergenceType.ReverseKl;

    /// <summary>Coefficient of <see cref="FDivergenceType.AlphaDivergence"/>; 1 is reverse KL.</summary>
    public double FAlphaDivergenceCoef { get; init; } = 0.5;

    /// <summary>Weight of the tokens by which one answer is longer, in [0, 1]: LD-DPO, arXiv:2409.06411. Null = 1, no correction.</summary>
    public double? LdAlpha { get; init; }

    /// <summary>Weigh each pair by how likely the policy itself would write it: WPO, arXiv:2406.11827, Eq. 2.</summary>
    public bool UseWeighting { get; init; }

    /// <summary>
    /// Weight of the negative log-likelihood of the chosen answers, which is added: α of RPO, arXiv:2404.19733, Eq. 2; at least 0. Null =
    /// none. Of TRL's older versions.
    /// </summary>
    public double? RpoAlpha { get; init; }

    /// <summary>Temperature τ of <see cref="DpoLossType.DiscoPop"/>. Greater than 0.</summary>
    public double DiscopopTau { get; init; } = 0.05;

    /// <summary>Do without a reference: its log-probabilities count as 0. Of TRL's older versions.</summary>
    public bool ReferenceFree { get; init; }

    private static readonly DpoLossType[] Smoothed = [DpoLossType.Robust, DpoLossType.ExoPair, DpoLossType.Aot, DpoLossType.AotUnpaired];

    /// <inheritdoc/>
    internal override PairLayout Layout => base.Layout with { LongerTailWeight = LdAlpha };

    internal override IEnumerable<string> WithoutEffect()
    {
        foreach (string unused in base.WithoutEffect())
            yield return unused;
        if (DiscopopTau != 0.05 && !LossType.Contains(DpoLossType.DiscoPop))
            yield return "DiscopopTau without LossType DiscoPop";
        if (FAlphaDivergenceCoef != 0.5 && FDivergenceType != FDivergenceType.AlphaDivergence)
            yield return "FAlphaDivergenceCoef without FDivergenceType AlphaDivergence";
        if (Beta != 0.1 && LossType.All(loss => loss == DpoLossType.Sft))
            yield return "Beta with LossType Sft alone";
    }

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range, or two contradict each other; the message names them.</exception>
    internal DpoOptions Validated()
    {
        ValidateReference();
        Require.Positive(Beta);
        Require.Positive(DiscopopTau);
        Require.Known(FDivergenceType);
        Require.Below(LabelSmoothing, 0, 0.5);
        Require.Finite(FAlphaDivergenceCoef);
        Require.Between(LdAlpha, 0, 1);
        Require.NotNegative(RpoAlpha);
        ValidateLosses();
        ValidateFreedom();
        return this;
    }

    private void ValidateLosses()
    {
        if (LossType is not { Count: > 0 })
            throw new ArgumentException(
                $"LossType is empty; give at least one of {string.Join(", ", Enum.GetNames<DpoLossType>())}.", nameof(LossType));
        foreach (DpoLossType loss in LossType)
            Require.Known(loss, nameof(LossType));
        if (LossWeights is not null && LossWeights.Count != LossType.Count)
            throw new ArgumentException(
                $"LossWeights has {LossWeights.Count} numbers for {LossType.Count} losses ({string.Join(", ", LossType)}); "
                + "give one for each, or null for 1 each.",
                nameof(LossWeights));
        foreach (double weight in LossWeights ?? [])
            if (!double.IsFinite(weight))
                throw new ArgumentException(
                    FormattableString.Invariant($"LossWeights holds {weight}; weights must be finite numbers."), nameof(LossWeights));
        if (LabelSmoothing > 0 && !LossType.Any(Smoothed.Contains))
            throw new ArgumentException(
                FormattableString.Invariant($"LabelSmoothing ({LabelSmoothing}) has no effect on {string.Join(", ", LossType)}; ")
                + $"the losses that use it are {string.Join(", ", Smoothed)} (Robust is the sigmoid loss for noisy labels).",
                nameof(LabelSmoothing));
        if (LabelSmoothing == 0 && LossType.Contains(DpoLossType.ExoPair))
            throw new ArgumentException(
                "LabelSmoothing is 0, but ExoPair compares with smoothed labels and would be infinite; set it above 0, such as 1e-3.",
                nameof(LabelSmoothing));
    }

    private void ValidateFreedom()
    {
        if (ReferenceModel != ReferenceKind.Full && ReferenceFree)
            throw new ArgumentException(
                $"ReferenceFree leaves no reference that ReferenceModel ({ReferenceModel}) could mean; set one of them back.",
                nameof(ReferenceModel));
        if (ReferenceFree && (SyncRefModel || PrecomputeRefLogProbs))
            throw new ArgumentException(
                "ReferenceFree leaves no reference to synchronise or to compute with; set SyncRefModel and PrecomputeRefLogProbs to false.",
                nameof(ReferenceFree));
    }
}
