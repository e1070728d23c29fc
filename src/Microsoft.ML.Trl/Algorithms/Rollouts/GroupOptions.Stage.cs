namespace Microsoft.ML.Trl;

public abstract partial record GroupOptions
{
    /// <summary>
    /// How completions are sampled during training, and how the fitted stage answers prompts: TRL's <c>max_completion_length</c>
    /// (<see cref="GenerationOptions.MaxNewTokens"/>, 256 here), <c>temperature</c>, <c>top_p</c>, <c>top_k</c>, <c>min_p</c>,
    /// <c>repetition_penalty</c> and <c>generation_kwargs</c>. One beam, one sequence per row, no constraint, and drawn at random. What is
    /// learnt are log-probabilities at this temperature.
    /// </summary>
    public GenerationOptions Generation { get; init; } = new() { MaxNewTokens = 256 };

    /// <summary>Completions of a step that each report carries with their rewards. At least 0.</summary>
    public int NumCompletionsToPrint { get; init; } = 1;

    /// <summary>Text column of answers that the fitted stage adds.</summary>
    public string OutputColumnName { get; init; } = "Completion";

    /// <summary>Column of the answers' scores, where a reward model is upstream; null = it replaces the reward model's own.</summary>
    public string? ScoreColumnName { get; init; }

    /// <summary>Text column with the prompts.</summary>
    public string PromptColumnName { get; init; } = "Prompt";

    /// <summary>Read prompts as conversations; the fitted stage does so too. Null, the default: as texts.</summary>
    public ConversationOptions? Conversations { get; init; }

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range, or two contradict each other; the message names them.</exception>
    internal abstract GroupOptions Checked();

    /// <summary>What the method makes of completions; made anew for each run.</summary>
    internal abstract IGroupObjective Objective();

    /// <summary>Forward passes that one generation feeds.</summary>
    internal int PassesPerGeneration =>
        GenerationBatchSize is { } size ? size / PerDeviceTrainBatchSize : StepsPerGeneration ?? GradientAccumulationSteps;

    /// <summary>Upper end of the ratio's free range, less 1.</summary>
    internal double UpperEpsilon => EpsilonHigh ?? Epsilon;

    /// <summary>How the reference follows the policy; null = it stays.</summary>
    internal ReferenceSync? Sync => SyncRefModel ? new ReferenceSync(RefModelSyncSteps, RefModelMixupAlpha) : null;

    /// <summary>What becomes of the reference in memory.</summary>
    internal HeldReference Held => new(ReferenceModel, SyncRefModel);

    /// <summary>Columns and generation options of the fitted stage.</summary>
    internal PolicyOutput Output => new(OutputColumnName, ScoreColumnName, PromptColumnName, Generation, Conversations);

    /// <summary>Completions of a prompt that the method needs.</summary>
    private protected virtual int FewestGenerations => 2;

    /// <summary>How evaluations answer prompts.</summary>
    /// <param name="stop">Tells from a response's new tokens whether it has ended; null = only end tokens do.</param>
    internal AnswerPlan Answers(Func<IReadOnlyList<int>, bool>? stop) =>
        new(Generation, Seed, NumCompletionsToPrint, NumGenerationsEval ?? NumGenerations) { Stop = stop };

    private protected override string UsualBestMetric => "reward";

    private protected override bool HasDropout => !DisableDropout;

    internal override IEnumerable<string> WithoutEffect()
    {
        foreach (string unused in base.WithoutEffect().Concat(Generation.WithoutEffect()))
            yield return unused;
        if (!SyncRefModel && (RefModelMixupAlpha != 0.6 || RefModelSyncSteps != 512))
            yield return "RefModelMixupAlpha and RefModelSyncSteps without SyncRefModel";
        if (Beta == 0 && (SyncRefModel || ReferenceModel != ReferenceKind.Full))
            yield return "SyncRefModel and ReferenceModel with Beta 0";
        if (NumGenerationsEval is not null && !MayEvaluate)
            yield return "NumGenerationsEval with EvalStrategy No";
        if (MaxToolCallingIterations is not null && !HasTurns)
            yield return "MaxToolCallingIterations without Tools and EnvironmentFactory";
        if (DataloaderDropLast)
            yield return "DataloaderDropLast where prompts are drawn one after the other";
    }

    /// <summary>Throws an <see cref="ArgumentException"/> that names the first property out of its range.</summary>
    private protected void ValidateGroups()
    {
        ValidateEpochs();
        ValidateGenerationBatch();
        Require.AtLeast(NumIterations, 1);
        Require.NotNegative(Beta);
        Require.Positive(Epsilon);
        Require.Below(Epsilon, 0, 1);
        Require.Positive(EpsilonHigh);
        foreach (double weight in RewardWeights ?? [])
            Require.Finite(weight, nameof(RewardWeights));
        Require.Known(ReferenceModel);
        Require.Between(RefModelMixupAlpha, 0, 1);
        Require.AtLeast(RefModelSyncSteps, 1);
        if (ReferenceModel != ReferenceKind.Full && SyncRefModel)
            throw new ArgumentException(
                $"SyncRefModel moves the weights of the reference, which few bits cannot follow (ReferenceModel is {ReferenceModel}); set "
                + "SyncRefModel to false, or ReferenceModel to Full.", nameof(ReferenceModel));
        Require.NotNegative(RouterAuxLossCoef);
        Require.AtLeast(NumCompletionsToPrint, 0);
        Output.Validate();
        ValidateTools();
        ArgumentNullException.ThrowIfNull(Generation);
        Generation.ValidatedForRollouts();
        if (!Generation.DoSample)
            throw new ArgumentException(
                "DoSample of Generation must be true: the completions of a prompt are compared with each other, and would all be equal.",
                nameof(Generation));
        if (TrainSamplingStrategy == TrainSamplingStrategy.GroupByLength)
            throw new ArgumentException(
                "TrainSamplingStrategy GroupByLength has no meaning here: the lengths of completions are not known before. Use Random or "
                + "Sequential.", nameof(TrainSamplingStrategy));
    }

    private void ValidateGenerationBatch()
    {
        Require.AtLeast(NumGenerations, FewestGenerations);
        Require.AtLeast(NumGenerationsEval, 1);
        Require.AtLeast(StepsPerGeneration, 1);
        Require.AtLeast(GenerationBatchSize, 1);
        if (StepsPerGeneration is not null && GenerationBatchSize is not null)
            throw new ArgumentException(
                $"StepsPerGeneration ({StepsPerGeneration}) and GenerationBatchSize ({GenerationBatchSize}) say the same thing; set one.",
                nameof(GenerationBatchSize));
        if (GenerationBatchSize % PerDeviceTrainBatchSize is > 0)
            throw new ArgumentException(
                $"GenerationBatchSize ({GenerationBatchSize}) must be a multiple of PerDeviceTrainBatchSize ({PerDeviceTrainBatchSize}), "
                + "since whole forward passes are made of it.", nameof(GenerationBatchSize));
        long completions = (long)PassesPerGeneration * PerDeviceTrainBatchSize;
        if (completions > int.MaxValue || completions % NumGenerations != 0)
            throw new ArgumentException(
                $"NumGenerations ({NumGenerations}) must divide the completions that are made at once, PerDeviceTrainBatchSize "
                + $"({PerDeviceTrainBatchSize}) times {PassesPerGeneration} passes = {completions}; the groups must be whole.",
                nameof(NumGenerations));
    }
}
