using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>Settings of direct preference optimisation, with TRL's names and defaults (v1.9.0). Immutable; vary with <c>with</c>.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record DpoOptions : EpochOptions
{
    /// <summary>TRL's defaults.</summary>
    public DpoOptions() => LearningRate = 1e-6;

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

    /// <summary>Temperature τ of <see cref="DpoLossType.DiscoPop"/>. Greater than 0.</summary>
    public double DiscopopTau { get; init; } = 0.05;

    /// <summary>Longest prompt and answer together, in tokens; longer ones lose their end. Null = only the model's context limit.</summary>
    public int? MaxLength { get; init; } = 1024;

    /// <summary>
    /// Let padding go through no layer of the network: rows of different lengths take the time and memory of their tokens. The numbers are
    /// the same but for rounding. Not for encoder-decoders.
    /// </summary>
    public bool PaddingFree { get; init; }

    /// <summary>Train without dropout, so that policy and reference start equal.</summary>
    public bool DisableDropout { get; init; } = true;

    /// <summary>Score all pairs under the reference once, before training: the reference need not stay in memory.</summary>
    public bool PrecomputeRefLogProbs { get; init; }

    /// <summary>Pairs per forward pass of that scoring; null = <see cref="EpochOptions.PerDeviceTrainBatchSize"/>. At least 1.</summary>
    public int? PrecomputeRefBatchSize { get; init; }

    /// <summary>Do without a reference: its log-probabilities count as 0. Of TRL's older versions.</summary>
    public bool ReferenceFree { get; init; }

    /// <summary>
    /// How the reference is held in memory. <see cref="ReferenceKind.Int8"/> makes an 8-bit copy of the starting model, or of the reference
    /// that is given. With <see cref="TrainingOptions.Peft"/> and no reference given it has no effect, which a warning says: the policy
    /// without its adapter is the reference, and takes no memory.
    /// </summary>
    public ReferenceKind ReferenceModel { get; init; }

    /// <summary>Let the reference follow the policy: TR-DPO, arXiv:2404.09656. Not with precomputed log-probabilities.</summary>
    public bool SyncRefModel { get; init; }

    /// <summary>Share of the policy in the new reference, in [0, 1]: α of arXiv:2404.09656.</summary>
    public double RefModelMixupAlpha { get; init; } = 0.6;

    /// <summary>Optimizer steps between two moves of the reference. At least 1.</summary>
    public int RefModelSyncSteps { get; init; } = 512;

    /// <summary>
    /// Weight of the load-balancing loss of a model with experts (arXiv:2101.03961, Eq. 4), of the policy's pass over the pairs; at least
    /// 0, and 0 leaves it out. Null = as the model's configuration says (<c>output_router_logits</c>, <c>router_aux_loss_coef</c>). Other
    /// models have no such loss.
    /// </summary>
    public double? RouterAuxLossCoef { get; init; } = 0.001;

    /// <summary>How the fitted stage answers prompts; null = as the model did that training began with.</summary>
    public GenerationOptions? Generation { get; init; }

    /// <summary>Text column of answers that the fitted stage adds.</summary>
    public string OutputColumnName { get; init; } = "Completion";

    /// <summary>Text column with the prompts.</summary>
    public string PromptColumnName { get; init; } = "Prompt";

    /// <summary>Text column with the better answers.</summary>
    public string ChosenColumnName { get; init; } = "Chosen";

    /// <summary>Text column with the worse answers.</summary>
    public string RejectedColumnName { get; init; } = "Rejected";

    /// <summary>
    /// Read prompts and answers as conversations; the fitted stage reads its prompts so too. Where the data have no column of prompts, a
    /// prompt is the messages that both answers begin with. Null, the default: as texts.
    /// </summary>
    public ConversationOptions? Conversations { get; init; }

    private static readonly DpoLossType[] Smoothed = [DpoLossType.Robust, DpoLossType.ExoPair, DpoLossType.Aot, DpoLossType.AotUnpaired];

    /// <summary>The columns of pairs.</summary>
    internal PreferenceColumns Columns =>
        new(PromptColumnName, ChosenColumnName, RejectedColumnName, null, PromptRequired: true, Conversations);

    /// <summary>How pairs become rows.</summary>
    internal PairLayout Layout => new(MaxLength, LdAlpha, PaddingFree);

    /// <summary>How the reference follows the policy; null = it stays.</summary>
    internal ReferenceSync? Sync => SyncRefModel ? new ReferenceSync(RefModelSyncSteps, RefModelMixupAlpha) : null;

    /// <summary>What becomes of the reference in memory.</summary>
    internal HeldReference Held => new(ReferenceModel, SyncRefModel, IsReadOnce: PrecomputeRefLogProbs);

    /// <summary>Columns and generation options of the fitted stage.</summary>
    internal PolicyOutput Output => new(OutputColumnName, null, PromptColumnName, Generation, Conversations);

    private protected override bool HasDropout => !DisableDropout;

    internal override IEnumerable<string> WithoutEffect()
    {
        foreach (string unused in base.WithoutEffect().Concat(Generation?.WithoutEffect() ?? []))
            yield return unused;
        if (DiscopopTau != 0.05 && !LossType.Contains(DpoLossType.DiscoPop))
            yield return "DiscopopTau without LossType DiscoPop";
        if (FAlphaDivergenceCoef != 0.5 && FDivergenceType != FDivergenceType.AlphaDivergence)
            yield return "FAlphaDivergenceCoef without FDivergenceType AlphaDivergence";
        if (!SyncRefModel && (RefModelMixupAlpha != 0.6 || RefModelSyncSteps != 512))
            yield return "RefModelMixupAlpha and RefModelSyncSteps without SyncRefModel";
        if (PrecomputeRefBatchSize is not null && !PrecomputeRefLogProbs)
            yield return "PrecomputeRefBatchSize without PrecomputeRefLogProbs";
        if (Beta != 0.1 && LossType.All(loss => loss == DpoLossType.Sft))
            yield return "Beta with LossType Sft alone";
    }

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range, or two contradict each other; the message names them.</exception>
    internal DpoOptions Validated()
    {
        ValidateEpochs();
        Require.Positive(Beta);
        Require.Positive(DiscopopTau);
        Require.Known(FDivergenceType);
        Require.Between(RefModelMixupAlpha, 0, 1);
        Require.AtLeast(RefModelSyncSteps, 1);
        Require.Below(LabelSmoothing, 0, 0.5);
        Require.Finite(FAlphaDivergenceCoef);
        Require.Between(LdAlpha, 0, 1);
        Require.AtLeast(MaxLength, 2);
        Require.NotNegative(RouterAuxLossCoef);
        Require.AtLeast(PrecomputeRefBatchSize, 1);
        Require.Named(OutputColumnName);
        Require.Named(PromptColumnName);
        Require.Named(ChosenColumnName);
        Require.Named(RejectedColumnName);
        Conversations?.Validated();
        Generation?.ValidatedForOne("a column of completions");
        ValidateLosses();
        ValidateReference();
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

    private void ValidateReference()
    {
        Require.Known(ReferenceModel);
        if (ReferenceModel != ReferenceKind.Full && SyncRefModel)
            throw new ArgumentException(
                $"SyncRefModel moves the weights of the reference, which few bits cannot follow (ReferenceModel is {ReferenceModel}); set "
                + "SyncRefModel to false, or ReferenceModel to Full.", nameof(ReferenceModel));
        if (ReferenceModel != ReferenceKind.Full && ReferenceFree)
            throw new ArgumentException(
                $"ReferenceFree leaves no reference that ReferenceModel ({ReferenceModel}) could mean; set one of them back.",
                nameof(ReferenceModel));
        if (SyncRefModel && PrecomputeRefLogProbs)
            throw new ArgumentException(
                "SyncRefModel and PrecomputeRefLogProbs contradict each other: "
                + "what was computed before training is stale once the reference moves. Set one of them to false.",
                nameof(SyncRefModel));
        if (ReferenceFree && (SyncRefModel || PrecomputeRefLogProbs))
            throw new ArgumentException(
                "ReferenceFree leaves no reference to synchronise or to compute with; set SyncRefModel and PrecomputeRefLogProbs to false.",
                nameof(ReferenceFree));
    }
}
