namespace Microsoft.ML.Trl;

/// <summary>
/// Settings that the methods share which learn from a teacher's distributions: how the teacher is held, and how the fitted stage answers.
/// Immutable; make variants with <c>with</c>.
/// </summary>
public abstract record DistillationOptions : EpochOptions
{
    /// <summary>
    /// How the teacher is held in memory. <see cref="ReferenceKind.Full"/>: in the type of the student; without a copy where it is in
    /// memory in the right place. <see cref="ReferenceKind.Int8"/>: as an 8-bit copy, on the CPU alone.
    /// </summary>
    public ReferenceKind TeacherModel { get; init; }

    /// <summary>Train the student without dropout. The teacher never has any.</summary>
    public bool DisableDropout { get; init; } = true;

    /// <summary>How the fitted stage answers prompts; null = as the model did that training began with.</summary>
    public GenerationOptions? Generation { get; init; }

    /// <summary>Text column of answers that the fitted stage adds.</summary>
    public string OutputColumnName { get; init; } = "Completion";

    /// <summary>Text column with the prompts.</summary>
    public string PromptColumnName { get; init; } = "Prompt";

    /// <summary>
    /// Read prompts and completions as conversations; the fitted stage reads its prompts so too. Null, the default: as texts.
    /// </summary>
    public ConversationOptions? Conversations { get; init; }

    /// <summary>Columns and generation options of the fitted stage.</summary>
    internal PolicyOutput Output => new(OutputColumnName, null, PromptColumnName, Generation, Conversations);

    /// <summary>Whether the student reads batches without their padding.</summary>
    internal virtual bool ReadsPaddingFree => false;

    private protected override bool HasDropout => !DisableDropout;

    internal override IEnumerable<string> WithoutEffect() => base.WithoutEffect().Concat(Generation?.WithoutEffect() ?? []);

    /// <summary>Throws an <see cref="ArgumentException"/> that names the first property out of its range.</summary>
    private protected void ValidateDistillation()
    {
        ValidateEpochs();
        Require.Known(TeacherModel);
        Require.Named(OutputColumnName);
        Require.Named(PromptColumnName);
        Conversations?.Validated();
        Generation?.ValidatedForOne("a column of completions");
    }
}
