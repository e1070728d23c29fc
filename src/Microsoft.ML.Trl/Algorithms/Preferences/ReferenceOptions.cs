namespace Microsoft.ML.Trl;

/// <summary>
/// Settings that the methods share which hold the policy against a reference: when it is read, and whether it moves. Immutable; make
/// variants with <c>with</c>.
/// </summary>
public abstract record ReferenceOptions : PreferenceOptions
{
    /// <summary>Score all answers under the reference once, before training: the reference need not stay in memory.</summary>
    public bool PrecomputeRefLogProbs { get; init; }

    /// <summary>
    /// Examples (or pairs) per forward pass of that scoring; null = <see cref="EpochOptions.PerDeviceTrainBatchSize"/>. At least 1.
    /// </summary>
    public int? PrecomputeRefBatchSize { get; init; }

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

    /// <summary>How the reference follows the policy; null = it stays.</summary>
    internal ReferenceSync? Sync => SyncRefModel ? new ReferenceSync(RefModelSyncSteps, RefModelMixupAlpha) : null;

    internal override HeldReference Held => new(ReferenceModel, SyncRefModel, IsReadOnce: PrecomputeRefLogProbs);

    internal override IEnumerable<string> WithoutEffect()
    {
        foreach (string unused in base.WithoutEffect())
            yield return unused;
        if (!SyncRefModel && (RefModelMixupAlpha != 0.6 || RefModelSyncSteps != 512))
            yield return "RefModelMixupAlpha and RefModelSyncSteps without SyncRefModel";
        if (PrecomputeRefBatchSize is not null && !PrecomputeRefLogProbs)
            yield return "PrecomputeRefBatchSize without PrecomputeRefLogProbs";
    }

    /// <summary>Throws an <see cref="ArgumentException"/> that names the first property out of its range, or two that contradict.</summary>
    private protected void ValidateReference()
    {
        ValidatePreferences();
        Require.Known(ReferenceModel);
        Require.Between(RefModelMixupAlpha, 0, 1);
        Require.AtLeast(RefModelSyncSteps, 1);
        Require.AtLeast(PrecomputeRefBatchSize, 1);
        if (ReferenceModel != ReferenceKind.Full && SyncRefModel)
            throw new ArgumentException(
                $"SyncRefModel moves the weights of the reference, which few bits cannot follow (ReferenceModel is {ReferenceModel}); set "
                + "SyncRefModel to false, or ReferenceModel to Full.", nameof(ReferenceModel));
        if (SyncRefModel && PrecomputeRefLogProbs)
            throw new ArgumentException(
                "SyncRefModel and PrecomputeRefLogProbs contradict each other: "
                + "what was computed before training is stale once the reference moves. Set one of them to false.",
                nameof(SyncRefModel));
    }
}
