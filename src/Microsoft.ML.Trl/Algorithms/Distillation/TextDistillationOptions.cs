namespace Microsoft.ML.Trl;

/// <summary>
/// Settings that the methods of distillation share which may learn the completions of the data. Immutable; make variants with <c>with</c>.
/// </summary>
public abstract record TextDistillationOptions : DistillationOptions
{
    /// <summary>TRL's SFTConfig: a rate of 2e-5.</summary>
    protected TextDistillationOptions() => LearningRate = 2e-5;

    /// <summary>
    /// Tokens of prompt and completion together, at least 2; longer rows lose their end, also where a model writes the completions.
    /// Null = no cut but at the context of student and teacher.
    /// </summary>
    public int? MaxLength { get; init; } = 1024;

    /// <summary>
    /// Let padding go through no layer of student and teacher: rows of different lengths take the time and memory of their tokens. The
    /// numbers are the same but for rounding. Not for encoder-decoders.
    /// </summary>
    public bool PaddingFree { get; init; }

    /// <summary>Text column with the completions; read where they are learnt, and in evaluations, which always measure those.</summary>
    public string CompletionColumnName { get; init; } = "Completion";

    internal override bool ReadsPaddingFree => PaddingFree;

    internal override IEnumerable<string> WithoutEffect()
    {
        foreach (string unused in base.WithoutEffect())
            yield return unused;
        if (PaddingFree && PerDeviceTrainBatchSize == 1)
            yield return "PaddingFree with PerDeviceTrainBatchSize 1";
    }

    /// <summary>Throws an <see cref="ArgumentException"/> that names the first property out of its range.</summary>
    private protected void ValidateTexts()
    {
        ValidateDistillation();
        Require.AtLeast(MaxLength, 2);
        Require.Named(CompletionColumnName);
    }
}
