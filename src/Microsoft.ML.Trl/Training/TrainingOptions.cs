namespace Microsoft.ML.Trl;

/// <summary>
/// Settings that every method shares: optimizer, schedule, logging, seed and device, under the names of Hugging Face's TrainingArguments.
/// Immutable; make variants with <c>with</c>.
/// </summary>
public abstract partial record TrainingOptions : EvaluatedOptions
{
    private protected TrainingOptions() { }

    /// <summary>With what other options say of evaluation.</summary>
    private protected TrainingOptions(EvaluatedOptions evaluated)
        : base(evaluated) { }

    /// <summary>Highest rate of the schedule. Greater than 0. Each method has its own default.</summary>
    public double LearningRate { get; init; } = 5e-5;

    /// <summary>Share of a weight that a step of unit rate removes. At least 0; biases and norm weights never decay.</summary>
    public double WeightDecay { get; init; }

    /// <summary>Decay of the mean gradient (β₁ of Adam and LION), in [0, 1).</summary>
    public double AdamBeta1 { get; init; } = 0.9;

    /// <summary>Decay of the squared gradient (Adam's β₂), or of LION's mean gradient, in [0, 1).</summary>
    public double AdamBeta2 { get; init; } = 0.999;

    /// <summary>Added to Adam's denominator. Greater than 0.</summary>
    public double AdamEpsilon { get; init; } = 1e-8;

    /// <summary>Largest gradient norm, Euclidean over all weights; larger gradients are scaled down. At least 0; 0 = no limit.</summary>
    public double MaxGradNorm { get; init; } = 1.0;

    /// <summary>The update rule.</summary>
    public OptimizerKind Optim { get; init; } = OptimizerKind.AdamW;

    /// <summary>How the rate moves over the run.</summary>
    public LrSchedulerType LrSchedulerType { get; init; } = LrSchedulerType.Linear;

    /// <summary>Extra numbers of the schedule, by the names that <see cref="Trl.LrSchedulerType"/> gives; null = none.</summary>
    public IReadOnlyDictionary<string, double>? LrSchedulerKwargs { get; init; }

    /// <summary>Steps in which the rate climbs to its full height; below 1, a share of the run. At least 0.</summary>
    public double WarmupSteps { get; init; }

    /// <summary>Steps between two reports; below 1, a share of the run. Greater than 0. The last step always reports.</summary>
    public double LoggingSteps { get; init; } = 10;

    /// <summary>Report the first step too.</summary>
    public bool LoggingFirstStep { get; init; }

    /// <summary>Makes order, sampling, dropout and fresh weights repeatable: same data, options and seed, same weights.</summary>
    public int Seed { get; init; } = 42;

    /// <summary>
    /// Train in bfloat16: weights and matrix products in bfloat16; float32 master weights in the optimizer, norms, softmax and losses.
    /// Default false, unlike TRL's true: float32 is what every device has. Not beside <see cref="Fp16"/>.
    /// </summary>
    public bool Bf16 { get; init; }

    /// <summary>
    /// Train adapters beside the model in the place of its weights: TRL's <c>peft_config</c>. The starting model is not changed, and where
    /// it is in memory, in the right place, not copied; where a reference is needed and none is given, it is that model. Null = train all
    /// weights; adapters that the starting model has are merged then.
    /// </summary>
    public LoraOptions? Peft { get; init; }

    /// <summary>
    /// Hold the matrices of the model in few bits while adapters are trained beside them: QLoRA, arXiv:2305.14314; TRL's
    /// <c>load_in_8bit</c> and <c>load_in_4bit</c> with <c>use_bnb_nested_quant</c>. A folder is quantized matrix by matrix while it is
    /// read. Needs <see cref="Peft"/>, and the CPU; the trained model stays quantized. What is computed with is float32, or bfloat16 with
    /// <see cref="Bf16"/>: <c>bnb_4bit_compute_dtype</c>.
    /// </summary>
    public WeightQuantization BaseQuantization { get; init; }

    /// <summary>
    /// Average the trained weights over the steps; the fitted model has the average, as of its last update, in the place of the weights
    /// that the last step led to, which TRL saves beside it. With <see cref="Peft"/> the weights of the adapter. Where training ends early,
    /// the model that is handed out has the average, too, unless there was no update yet. Null, the default: no average.
    /// </summary>
    public WeightAveragingOptions? WeightAveraging { get; init; }

    /// <summary>Train on the CPU even where a GPU is there.</summary>
    public bool UseCpu { get; init; }

    /// <summary>Number of the CUDA device; null = the <c>GpuDeviceId</c> of the MLContext, and the CPU where that is null too.</summary>
    public int? GpuDeviceId { get; init; }

    /// <summary>
    /// Train on the CPU when the GPU that was asked for is not there; null = the <c>FallbackToCpu</c> of the
    /// MLContext. Otherwise its absence is an error.
    /// </summary>
    public bool? FallbackToCpu { get; init; }

    /// <summary>Whether entries are dropped in training at all.</summary>
    private protected virtual bool HasDropout => true;

    /// <summary>The same.</summary>
    internal bool DropsInTraining => HasDropout;

    /// <summary>Options that were set and change nothing in a run with these others, each with the reason.</summary>
    internal virtual IEnumerable<string> WithoutEffect()
    {
        foreach (string unused in OptimizerWithoutEffect())
            yield return unused;
        if (Peft is { LoraDropout: > 0 } && !HasDropout)
            yield return "Peft.LoraDropout without dropout in training";
        foreach (string unused in MemoryWithoutEffect())
            yield return unused;
        foreach (string unused in WeightAveraging?.WithoutEffect() ?? [])
            yield return unused;
        foreach (string unused in EvaluationWithoutEffect())
            yield return unused;
    }

    /// <summary>Throws an <see cref="ArgumentException"/> that names the first property out of its range.</summary>
    private protected void ValidateTraining()
    {
        Require.Positive(LearningRate);
        Require.NotNegative(WeightDecay);
        Require.Below(AdamBeta1, 0, 1);
        Require.Below(AdamBeta2, 0, 1);
        Require.Positive(AdamEpsilon);
        Require.NotNegative(MaxGradNorm);
        ValidateOptimizer();
        Require.Known(LrSchedulerType);
        Require.NotNegative(WarmupSteps);
        Require.Positive(LoggingSteps);
        Peft?.Validated();
        Require.Known(BaseQuantization);
        if (BaseQuantization != WeightQuantization.None && Peft is null)
            throw new ArgumentException(
                $"BaseQuantization ({BaseQuantization}) holds weights in few bits, which cannot be trained; set Peft, to train an adapter "
                + $"beside them, or leave it at {nameof(WeightQuantization.None)}.", nameof(BaseQuantization));
        WeightAveraging?.Validate();
        LearningRateSchedule.Check(LrSchedulerType, LrSchedulerKwargs);
        Require.AtLeast(GpuDeviceId, 0);
        ValidateMemory();
        ValidateEvaluation();
        if (LoadBestModelAtEnd && WeightAveraging is not null)
            throw new ArgumentException(
                "LoadBestModelAtEnd and WeightAveraging contradict each other: the fitted model has either the best weights or the "
                + "average. Leave one of them out.", nameof(LoadBestModelAtEnd));
        if (UseCpu && GpuDeviceId is not null)
            throw new ArgumentException($"UseCpu and GpuDeviceId ({GpuDeviceId}) contradict each other; set one of them.", nameof(UseCpu));
    }
}
