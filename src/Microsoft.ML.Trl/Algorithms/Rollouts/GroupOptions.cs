namespace Microsoft.ML.Trl;

/// <summary>
/// Settings that the methods share which answer every prompt several times and compare the completions of a prompt with each other, under
/// TRL's names and defaults. Immutable; make variants with <c>with</c>.
/// </summary>
/// <remarks>
/// <see cref="EpochOptions.PerDeviceTrainBatchSize"/> counts completions here, as in TRL, and <see cref="EpochOptions.NumTrainEpochs"/>
/// passes over the prompts.
/// </remarks>
public abstract partial record GroupOptions : EpochOptions
{
    /// <summary>TRL's defaults.</summary>
    protected GroupOptions() => LearningRate = 1e-6;

    /// <summary>
    /// Completions of each prompt. At least 2, but for those <see cref="AdvantageEstimator"/> that do with 1; must divide the completions
    /// that are made at once.
    /// </summary>
    public int NumGenerations { get; init; } = 8;

    /// <summary>
    /// Completions of each prompt in an evaluation, whose <see cref="EvaluatedOptions.PerDeviceEvalBatchSize"/> counts prompts. At least 1;
    /// null = <see cref="NumGenerations"/>.
    /// </summary>
    public int? NumGenerationsEval { get; init; }

    /// <summary>
    /// Forward passes that one generation feeds, so that its completions are
    /// <see cref="EpochOptions.PerDeviceTrainBatchSize"/> times this. At least 1; null = one optimizer step's
    /// (<see cref="EpochOptions.GradientAccumulationSteps"/>). Not together with <see cref="GenerationBatchSize"/>.
    /// </summary>
    public int? StepsPerGeneration { get; init; }

    /// <summary>
    /// The same in completions that are made at once: a multiple of <see cref="EpochOptions.PerDeviceTrainBatchSize"/>; null = as
    /// <see cref="StepsPerGeneration"/> says.
    /// </summary>
    public int? GenerationBatchSize { get; init; }

    /// <summary>Passes over the completions of each generation: μ of arXiv:2402.03300, Algorithm 1. At least 1.</summary>
    public int NumIterations { get; init; } = 1;

    /// <summary>Price of leaving the reference. At least 0; with 0 there is no reference in memory.</summary>
    public double Beta { get; init; }

    /// <summary>How far the ratio of new to old probability may fall below 1 before its gradient ends. In (0, 1).</summary>
    public double Epsilon { get; init; } = 0.2;

    /// <summary>
    /// How far it may rise above 1; greater than 0. Null = as far as <see cref="Epsilon"/>. Of <see cref="GrpoLossType.Cispo"/> the cap
    /// itself.
    /// </summary>
    public double? EpsilonHigh { get; init; }

    /// <summary>What the scores of each reward function are multiplied by before they are added; null = 1 each.</summary>
    public IReadOnlyList<double>? RewardWeights { get; init; }

    /// <summary>Learn nothing from completions that were cut at the length limit: arXiv:2503.14476, section 3.4.</summary>
    public bool MaskTruncatedCompletions { get; init; }

    /// <summary>
    /// How the reference is held in memory. <see cref="ReferenceKind.Int8"/> makes an 8-bit copy of the starting model, or of the reference
    /// that is given. With <see cref="TrainingOptions.Peft"/> and no reference given it has no effect, which a warning says: the policy
    /// without its adapter is the reference, and takes no memory.
    /// </summary>
    public ReferenceKind ReferenceModel { get; init; }

    /// <summary>Let the reference follow the policy: TR-DPO, arXiv:2404.09656.</summary>
    public bool SyncRefModel { get; init; }

    /// <summary>Share of the policy in the new reference, in [0, 1]: α of arXiv:2404.09656.</summary>
    public double RefModelMixupAlpha { get; init; } = 0.6;

    /// <summary>Optimizer steps between two moves of the reference. At least 1.</summary>
    public int RefModelSyncSteps { get; init; } = 512;

    /// <summary>
    /// Let padding go through no layer of the network: completions of different lengths take the time and memory of their tokens. The
    /// numbers are the same but for rounding. Not for encoder-decoders.
    /// </summary>
    public bool PaddingFree { get; init; }

    /// <summary>Train without dropout. Completions are generated, and old log-probabilities computed, without it in any case.</summary>
    public bool DisableDropout { get; init; }

    /// <summary>
    /// Weight of the load-balancing loss of a model with experts (arXiv:2101.03961, Eq. 4), of the policy's pass over the completions; at
    /// least 0, and 0 leaves it out. Null = as the model's configuration says. Other models have no such loss.
    /// </summary>
    public double? RouterAuxLossCoef { get; init; } = 0.001;
}
