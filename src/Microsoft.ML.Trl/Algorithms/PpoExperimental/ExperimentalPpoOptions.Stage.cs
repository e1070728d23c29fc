namespace Microsoft.ML.Trl;

public sealed partial record ExperimentalPpoOptions
{
    /// <summary>
    /// How responses are sampled during training, and how the fitted stage answers prompts: TRL's <c>response_length</c>
    /// (<see cref="GenerationOptions.MaxNewTokens"/>, 53 here) and <c>temperature</c> (0.7 here). TRL's <c>stop_token</c> "eos" is
    /// <see cref="GenerationOptions.EosTokenIds"/> null, the default here; its <c>stop_token_id</c> a list of that token; no stop token,
    /// TRL's default, an empty list. One beam, one sequence per row, no constraint, and drawn at random. What is learnt are
    /// log-probabilities at this temperature.
    /// </summary>
    public GenerationOptions Generation { get; init; } = new() { MaxNewTokens = 53, Temperature = 0.7 };

    /// <summary>
    /// Completions, with their scores, that the report of a step of <see cref="NumSampleGenerations"/> has, and that of an evaluation. At
    /// least 0.
    /// </summary>
    public int NumCompletionsToPrint { get; init; } = 5;

    /// <summary>Text column of answers that the fitted stage adds.</summary>
    public string OutputColumnName { get; init; } = "Completion";

    /// <summary>Column of the answers' scores, where a reward model is upstream; null = it replaces the reward model's own.</summary>
    public string? ScoreColumnName { get; init; }

    /// <summary>Text column with the prompts.</summary>
    public string PromptColumnName { get; init; } = "Prompt";

    /// <summary>Read prompts as conversations; the fitted stage does so too. Null, the default: as texts.</summary>
    public ConversationOptions? Conversations { get; init; }

    /// <summary>Rows of a step.</summary>
    internal int BatchSize => PerDeviceTrainBatchSize * GradientAccumulationSteps;

    /// <summary>Rows of an update.</summary>
    internal int MiniBatchSize => BatchSize / NumMiniBatches;

    /// <summary>Columns and generation options of the fitted stage.</summary>
    internal PolicyOutput Output => new(OutputColumnName, ScoreColumnName, PromptColumnName, Generation, Conversations);

    private protected override bool HasDropout => false;

    private protected override string UsualBestMetric => "reward";

    internal override IEnumerable<string> WithoutEffect()
    {
        foreach (string unused in base.WithoutEffect().Concat(Generation.WithoutEffect()))
            yield return unused;
        if (MaxSteps > 0 && TotalEpisodes is not null)
            yield return "TotalEpisodes with MaxSteps";
        if (MaxSteps <= 0 && TotalEpisodes is not null && NumTrainEpochs != 3)
            yield return "NumTrainEpochs with TotalEpisodes";
        if (VfCoef == 0 && CliprangeValue != 0.2)
            yield return "CliprangeValue with VfCoef 0";
        if (KlCoef == 0 && KlEstimator != KlEstimator.K1)
            yield return "KlEstimator with KlCoef 0, but for reports";
        if (NumSampleGenerations == 0 && !MayEvaluate && NumCompletionsToPrint != 5)
            yield return "NumCompletionsToPrint with NumSampleGenerations 0";
        if (DataloaderDropLast)
            yield return "DataloaderDropLast where prompts are drawn one after the other";
    }

    /// <summary>Steps of the run.</summary>
    /// <param name="prompts">How many prompts there are. At least 1.</param>
    /// <exception cref="ArgumentException">There are more than can be counted.</exception>
    internal int TotalSteps(int prompts)
    {
        if (MaxSteps > 0)
            return MaxSteps;
        double episodes = TotalEpisodes ?? Math.Floor(NumTrainEpochs * prompts), steps = Math.Max(1, Math.Ceiling(episodes / BatchSize));
        return steps <= int.MaxValue ? (int)steps : throw new ArgumentException(FormattableString.Invariant(
            $"NumTrainEpochs ({NumTrainEpochs:G6}) asks for {steps:G6} steps; at most {int.MaxValue} are possible. ")
            + "Lower it, or set TotalEpisodes or MaxSteps.");
    }

    /// <summary>Whether the report of a step carries sample completions.</summary>
    /// <param name="step">Counted from 1.</param>
    /// <param name="totalSteps">Of the run.</param>
    internal bool ShowsSamples(int step, int totalSteps) =>
        NumSampleGenerations > 0 && (step - 1) % Math.Max(1, totalSteps / NumSampleGenerations) == 0;

    private void ValidateStage()
    {
        Require.AtLeast(NumCompletionsToPrint, 0);
        Output.Validate();
        ArgumentNullException.ThrowIfNull(Generation);
        Generation.ValidatedForRollouts();
        if (!Generation.DoSample)
            throw new ArgumentException(
                "DoSample of Generation must be true: what is learnt are probabilities of tokens that were drawn by them.",
                nameof(Generation));
        if (TrainSamplingStrategy == TrainSamplingStrategy.GroupByLength)
            throw new ArgumentException(
                "TrainSamplingStrategy GroupByLength has no meaning here: the lengths of completions are not known before. Use Random or "
                + "Sequential.", nameof(TrainSamplingStrategy));
        if (NeftuneNoiseAlpha is not null)
            throw new ArgumentException(FormattableString.Invariant(
                $"NeftuneNoiseAlpha ({NeftuneNoiseAlpha}) has no meaning here: with noise on the embeddings the policy would not be the ")
                + "one that sampled. Leave it null.", nameof(NeftuneNoiseAlpha));
    }
}
