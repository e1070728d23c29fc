namespace Microsoft.ML.Trl.Algorithms.Dpo;

/// <summary>Direct preference optimisation of a policy, from token ids to trained weights.</summary>
/// <param name="policy">Trained in place.</param>
/// <param name="reference">What the policy is held against; changed only by synchronising. Null = the policy before the first step.</param>
/// <param name="options">Checked here.</param>
/// <param name="progress">Told every <see cref="TrainingOptions.LoggingSteps"/> steps; null = nobody.</param>
internal sealed class DpoLoop(
    CausalLanguageModel policy, CausalLanguageModel? reference, DpoOptions options, IProgress<StepReport>? progress = null)
{
    private readonly PairLoop _loop = new("DPO", policy, options.Validated(), new DpoObjective(options), progress);

    /// <inheritdoc cref="PairLoop.HeldOut"/>
    public IReadOnlyList<PreferenceExample>? HeldOut
    {
        get => _loop.HeldOut;
        init => _loop.HeldOut = value;
    }

    /// <inheritdoc cref="PairLoop.Run"/>
    public void Run(IReadOnlyList<PreferenceExample> examples, CancellationToken cancel = default) =>
        _loop.Run(
            examples, options.ReferenceFree ? null : answers => References.Of(policy, reference, options, answers, cancel), cancel);
}
