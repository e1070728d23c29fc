namespace Microsoft.ML.Trl;

/// <summary>
/// Settings that the methods share which learn a policy from preferences: what is read, and how the fitted stage answers. Immutable; make
/// variants with <c>with</c>.
/// </summary>
public abstract record PreferenceOptions : EpochOptions
{
    /// <summary>TRL's defaults.</summary>
    protected PreferenceOptions() => LearningRate = 1e-6;

    /// <summary>Longest prompt and answer together, in tokens; longer ones lose their end. Null = only the model's context limit.</summary>
    public int? MaxLength { get; init; } = 1024;

    /// <summary>
    /// Let padding go through no layer of the network: rows of different lengths take the time and memory of their tokens. The numbers are
    /// the same but for rounding. Not for encoder-decoders.
    /// </summary>
    public bool PaddingFree { get; init; }

    /// <summary>Train without dropout, so that policy and reference start equal.</summary>
    public bool DisableDropout { get; init; } = true;

    /// <summary>
    /// Weight of the load-balancing loss of a model with experts (arXiv:2101.03961, Eq. 4), of the policy's pass over the answers; at least
    /// 0, and 0 leaves it out. Null = as the model's configuration says (<c>output_router_logits</c>, <c>router_aux_loss_coef</c>). Other
    /// models have no such loss.
    /// </summary>
    public double? RouterAuxLossCoef { get; init; } = 0.001;

    /// <summary>
    /// Let policy and reference answer the first <see cref="EvaluatedOptions.PerDeviceEvalBatchSize"/> prompts of each evaluation, for
    /// <see cref="StepReport.Completions"/>. A reference that is not kept in memory, or that the method does without, answers nothing. Of
    /// TRL's older versions, which choose the prompts anew each time.
    /// </summary>
    public bool GenerateDuringEval { get; init; }

    /// <summary>How the fitted stage answers prompts; null = as the model did that training began with.</summary>
    public GenerationOptions? Generation { get; init; }

    /// <summary>Text column of answers that the fitted stage adds.</summary>
    public string OutputColumnName { get; init; } = "Completion";

    /// <summary>
    /// Text column with the prompts. Where pairs have none, and no other name is given here, a prompt is what both answers begin with; the
    /// fitted stage needs the column.
    /// </summary>
    public string PromptColumnName { get; init; } = PreferenceColumns.UsualPrompt;

    /// <summary>Text column with the better answers.</summary>
    public string ChosenColumnName { get; init; } = "Chosen";

    /// <summary>Text column with the worse answers.</summary>
    public string RejectedColumnName { get; init; } = "Rejected";

    /// <summary>
    /// Read prompts and answers as conversations; the fitted stage reads its prompts so too. Where pairs have no column of prompts, a
    /// prompt is the messages that both answers begin with. Null, the default: as texts.
    /// </summary>
    public ConversationOptions? Conversations { get; init; }

    /// <summary>The columns of pairs.</summary>
    internal PreferenceColumns Columns =>
        new(PromptColumnName, ChosenColumnName, RejectedColumnName, null, KeepsPrompt: true, Conversations);

    /// <summary>How pairs become rows.</summary>
    internal virtual PairLayout Layout => new(MaxLength, PaddingFree: PaddingFree);

    /// <summary>What becomes of the reference in memory, where there is one.</summary>
    internal virtual HeldReference Held => HeldReference.Usual;

    /// <summary>Most tokens of an answer alone; null = no such limit.</summary>
    internal virtual int? LongestAnswer => null;

    /// <summary>Columns and generation options of the fitted stage.</summary>
    internal PolicyOutput Output => new(OutputColumnName, null, PromptColumnName, Generation, Conversations);

    private protected override bool HasDropout => !DisableDropout;

    internal override IEnumerable<string> WithoutEffect()
    {
        foreach (string unused in base.WithoutEffect().Concat(Generation?.WithoutEffect() ?? []))
            yield return unused;
        if (GenerateDuringEval && !MayEvaluate)
            yield return "GenerateDuringEval with EvalStrategy No";
    }

    /// <summary>What <see cref="GenerateDuringEval"/> asks for.</summary>
    /// <param name="policy">Writes with what is trained; null = nobody can write.</param>
    /// <param name="prompts">Of all examples, as token ids.</param>
    /// <param name="reference">Null = there is none to ask.</param>
    internal IReadOnlyList<SampleCompletion> Samples(PolicyView? policy, IReadOnlyList<int[]> prompts, CausalLanguageModel? reference) =>
        GenerateDuringEval && policy is not null ? policy.Samples([.. prompts.Take(PerDeviceEvalBatchSize)], reference) : [];

    /// <summary>Throws an <see cref="ArgumentException"/> that names the first property out of its range.</summary>
    private protected void ValidatePreferences()
    {
        ValidateEpochs();
        Require.AtLeast(MaxLength, 2);
        Require.NotNegative(RouterAuxLossCoef);
        Require.Named(OutputColumnName);
        Require.Named(PromptColumnName);
        Require.Named(ChosenColumnName);
        Require.Named(RejectedColumnName);
        Conversations?.Validated();
        Generation?.ValidatedForOne("a column of completions");
    }
}
