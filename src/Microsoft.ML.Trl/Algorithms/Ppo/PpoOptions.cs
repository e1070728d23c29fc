using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>Settings of PPO, with the names and defaults of TRL's classic PPOConfig (v0.11.4). Immutable; vary with <c>with</c>.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record PpoOptions : TrainingOptions
{
    /// <summary>
    /// TRL's defaults: Adam at a constant rate of 1.41e-5, no limit on the gradient, seed 0, a report per step, no gradient checkpointing.
    /// </summary>
    public PpoOptions()
    {
        LearningRate = 1.41e-5;
        Optim = OptimizerKind.Adam;
        LrSchedulerType = LrSchedulerType.Constant;
        MaxGradNorm = 0;
        GradientCheckpointing = false;
        LoggingSteps = 1;
        Seed = 0;
    }

    /// <summary>
    /// Advantage actor-critic as the special case of PPO that it is (arXiv:2205.09123): one pass over the batch as a whole, in which no
    /// ratio and no value is clipped, returns to the end of each response (λ = 1), advantages as they are, RMSprop, and half the squared
    /// error of the critic. Where <see cref="BatchSize"/> is changed, change <see cref="MiniBatchSize"/> with it, or accumulate.
    /// </summary>
    /// <remarks>
    /// The learning rate stays PPO's, which suits language models; Atari's is 7e-4. RMSprop adds its epsilon to the root, as torch does,
    /// where the paper's runs have it below the root.
    /// </remarks>
    public static PpoOptions A2c { get; } = new()
    {
        PpoEpochs = 1, Lam = 1, WhitenAdvantages = false, VfCoef = 1, MaxGradNorm = 0.5, Optim = OptimizerKind.RmsProp, AdamEpsilon = 1e-5,
    };

    /// <summary>
    /// Prompts to answer in the whole run; each <see cref="BatchSize"/> of them is one step of PPO, and prompts
    /// come again when all were used. At least 1.
    /// </summary>
    public int Steps { get; init; } = 20000;

    /// <summary>Rows per step. A multiple of <see cref="MiniBatchSize"/> times <see cref="GradientAccumulationSteps"/>.</summary>
    public int BatchSize { get; init; } = 128;

    /// <summary>Rows per forward pass. At least 1. Lower this first when memory runs out.</summary>
    public int MiniBatchSize { get; init; } = 128;

    /// <summary>Mini-batches per optimizer step, each with the same say. At least 1.</summary>
    public int GradientAccumulationSteps { get; init; } = 1;

    /// <summary>Passes over each batch. At least 1.</summary>
    public int PpoEpochs { get; init; } = 4;

    /// <summary>Let the price of KL follow <see cref="Target"/>; otherwise it stays at <see cref="InitKlCoef"/>.</summary>
    public bool AdapKlCtrl { get; init; } = true;

    /// <summary>Price of KL at the start, in units of the score per nat. At least 0.</summary>
    public double InitKlCoef { get; init; } = 0.2;

    /// <summary>How the distance from the reference is charged.</summary>
    public KlPenalty KlPenalty { get; init; } = KlPenalty.Kl;

    /// <summary>KL per response that the adaptive controller steers to, in nats. Greater than 0.</summary>
    public double Target { get; init; } = 6.0;

    /// <summary>Responses over which the adaptive controller corrects an error. Greater than 0.</summary>
    public double Horizon { get; init; } = 10000;

    /// <summary>Discount per token, in [0, 1].</summary>
    public double Gamma { get; init; } = 1.0;

    /// <summary>λ of generalized advantage estimation, in [0, 1].</summary>
    public double Lam { get; init; } = 0.95;

    /// <summary>How far the ratio of new to old probability may leave 1 before its gradient ends. In (0, 1).</summary>
    public double Cliprange { get; init; } = 0.2;

    /// <summary>How far the critic may move from its old estimate before its gradient ends, in units of the score. Above 0.</summary>
    public double CliprangeValue { get; init; } = 0.2;

    /// <summary>Weight of the value loss. At least 0.</summary>
    public double VfCoef { get; init; } = 0.1;

    /// <summary>End a step's epochs once the policy has moved further than 1.5 times <see cref="TargetKl"/>.</summary>
    public bool EarlyStopping { get; init; }

    /// <summary>Bound of <see cref="EarlyStopping"/>, in nats per token between the policy and the one that sampled. Above 0.</summary>
    public double TargetKl { get; init; } = 1.0;

    /// <summary>A mini-batch whose mean ratio is above this is skipped with a warning. Greater than 0.</summary>
    public double RatioThreshold { get; init; } = 10.0;

    /// <summary>Divide scores by the standard deviation of all scores seen.</summary>
    public bool UseScoreScaling { get; init; }

    /// <summary>Subtract the mean of all scores seen, too. Only with <see cref="UseScoreScaling"/>.</summary>
    public bool UseScoreNorm { get; init; }

    /// <summary>Clip scores to this far from 0, after scaling. Greater than 0; null = no clipping.</summary>
    public double? ScoreClip { get; init; }

    /// <summary>Scale the rewards of a batch to variance 1 before advantages are estimated.</summary>
    public bool WhitenRewards { get; init; }

    /// <summary>Scale the advantages of a batch to mean 0 and variance 1, as TRL always does.</summary>
    public bool WhitenAdvantages { get; init; } = true;

    /// <summary>
    /// Blocks of the policy that are not trained, counted from below, with the embeddings. Where PPO makes its own reference, both models
    /// share them, which saves their memory. From 0, the embeddings alone, to one less than there are; null = all is trained.
    /// TRL's trainer has it as <c>num_shared_layers</c>.
    /// </summary>
    public int? NumSharedLayers { get; init; }

    /// <summary>
    /// How the reference is held in memory. <see cref="ReferenceKind.Int8"/> makes an 8-bit copy of the starting model, or of the reference
    /// that is given. With <see cref="TrainingOptions.Peft"/> and no reference given it has no effect, which a warning says: the policy
    /// without its adapter is the reference, and takes no memory. Not with <see cref="NumSharedLayers"/>.
    /// </summary>
    public ReferenceKind ReferenceModel { get; init; }

    /// <summary>The critic's dropout and first weights.</summary>
    public ValueHeadOptions ValueHead { get; init; } = new();

    /// <summary>
    /// How responses are sampled during training, and how the fitted stage answers prompts. One beam, one sequence per prompt and no
    /// constraint: what the policy computed for a token is kept when the token is drawn.
    /// </summary>
    public GenerationOptions Generation { get; init; } = new();

    /// <summary>
    /// Draws the most new tokens of responses during training in the place of <see cref="GenerationOptions.MaxNewTokens"/>, one number
    /// for the rows that are answered at once. Null = always <see cref="GenerationOptions.MaxNewTokens"/>.
    /// </summary>
    public LengthSampler? LengthSampler { get; init; }

    /// <summary>
    /// Prompts that are answered at once during training: the <c>batch_size</c> of TRL's <c>generate</c>. At least 1; null = all of a step.
    /// </summary>
    public int? GenerationBatchSize { get; init; }

    /// <summary>Responses of a step that each report carries with their scores. At least 0.</summary>
    public int NumCompletionsToPrint { get; init; } = 1;

    /// <summary>Text column of answers that the fitted stage adds.</summary>
    public string OutputColumnName { get; init; } = "Completion";

    /// <summary>Column of the answers' scores, where a reward model is upstream; null = it replaces the reward model's own.</summary>
    public string? ScoreColumnName { get; init; }

    /// <summary>Text column with the prompts.</summary>
    public string PromptColumnName { get; init; } = "Prompt";

    /// <summary>Read prompts as conversations; the fitted stage does so too. Null, the default: as texts.</summary>
    public ConversationOptions? Conversations { get; init; }

    /// <summary>Steps of PPO in the run: each answers <see cref="BatchSize"/> prompts.</summary>
    internal int TotalSteps => (int)(((long)Steps + BatchSize - 1) / BatchSize);

    /// <summary>Columns and generation options of the fitted stage.</summary>
    internal PolicyOutput Output => new(OutputColumnName, ScoreColumnName, PromptColumnName, Generation, Conversations);

    private protected override bool HasDropout => false;

    private protected override string UsualBestMetric => "reward";

    internal override IEnumerable<string> WithoutEffect()
    {
        foreach (string unused in base.WithoutEffect().Concat(Generation.WithoutEffect()))
            yield return unused;
        if (!AdapKlCtrl && (Target != 6 || Horizon != 10000))
            yield return "Target and Horizon without AdapKlCtrl";
        if (!EarlyStopping && TargetKl != 1)
            yield return "TargetKl without EarlyStopping";
        if (VfCoef == 0 && CliprangeValue != 0.2)
            yield return "CliprangeValue with VfCoef 0";
    }

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range, or two contradict each other; the message names them.</exception>
    internal PpoOptions Validated()
    {
        ValidateTraining();
        Require.AtLeast(Steps, 1);
        Require.AtLeast(MiniBatchSize, 1);
        Require.AtLeast(GradientAccumulationSteps, 1);
        ValidateAccumulation(GradientAccumulationSteps);
        ValidateBatch();
        WeightAveraging?.RequireUpdate(TotalSteps);
        Require.AtLeast(PpoEpochs, 1);
        Require.NotNegative(InitKlCoef);
        Require.Known(KlPenalty);
        Require.Positive(Target);
        Require.Positive(Horizon);
        Require.Between(Gamma, 0, 1);
        Require.Between(Lam, 0, 1);
        Require.Positive(Cliprange);
        Require.Below(Cliprange, 0, 1);
        Require.Positive(CliprangeValue);
        Require.NotNegative(VfCoef);
        Require.Positive(TargetKl);
        Require.Positive(RatioThreshold);
        Require.AtLeast(NumCompletionsToPrint, 0);
        Output.Validate();
        Require.Positive(ScoreClip);
        if (UseScoreNorm && !UseScoreScaling)
            throw new ArgumentException(
                "UseScoreNorm centres scores that UseScoreScaling has scaled; set UseScoreScaling to true, or UseScoreNorm to false.",
                nameof(UseScoreNorm));
        ArgumentNullException.ThrowIfNull(Generation);
        Generation.ValidatedForRollouts();
        LengthSampler?.Limit(Generation, 0);
        Require.AtLeast(GenerationBatchSize, 1);
        Require.AtLeast(NumSharedLayers, 0);
        Require.Known(ReferenceModel);
        if (NumSharedLayers is not null && ReferenceModel != ReferenceKind.Full)
            throw new ArgumentException(
                $"NumSharedLayers ({NumSharedLayers}) shares layers with the reference, which a reference in few bits cannot "
                + $"(ReferenceModel is {ReferenceModel}); leave one of them out.", nameof(ReferenceModel));
        if (NumSharedLayers is not null && Peft is not null)
            throw new ArgumentException(
                "NumSharedLayers has no meaning with Peft: policy and reference share all layers; leave it null.", nameof(NumSharedLayers));
        ArgumentNullException.ThrowIfNull(ValueHead);
        ValueHead.Validated();
        return this;
    }

    private void ValidateBatch()
    {
        long unit = (long)MiniBatchSize * GradientAccumulationSteps;
        if (unit > int.MaxValue)
            throw new ArgumentException(
                $"MiniBatchSize ({MiniBatchSize}) times GradientAccumulationSteps ({GradientAccumulationSteps}) is {unit} rows, "
                + $"but a batch has at most {int.MaxValue}; lower one of them.", nameof(MiniBatchSize));
        if (BatchSize >= unit && BatchSize % unit == 0)
            return;
        long below = Math.Max(unit, BatchSize - (BatchSize % unit)), above = below + unit;
        string nearest = above <= int.MaxValue ? $"the nearest are {below} and {above}" : $"the nearest is {below}";
        throw new ArgumentException(
            $"BatchSize ({BatchSize}) must be a multiple of MiniBatchSize ({MiniBatchSize}) times GradientAccumulationSteps "
            + $"({GradientAccumulationSteps}), which is {unit}; {nearest}.", nameof(BatchSize));
    }
}
