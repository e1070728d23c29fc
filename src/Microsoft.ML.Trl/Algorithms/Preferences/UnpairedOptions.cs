namespace Microsoft.ML.Trl;

/// <summary>
/// Settings that the methods share which learn from single completions, each wanted or not. Where the data have no column of labels, pairs
/// are read, and each gives a wanted and an unwanted completion. Immutable; make variants with <c>with</c>.
/// </summary>
public abstract record UnpairedOptions : ReferenceOptions
{
    /// <summary>TRL's defaults.</summary>
    protected UnpairedOptions() => TrainSamplingStrategy = TrainSamplingStrategy.Sequential;

    /// <summary>
    /// Text column with the completions. A stage upstream may write its answers into a column of this name: then give the stage training
    /// data of its own, or name another column.
    /// </summary>
    public string CompletionColumnName { get; init; } = "Completion";

    /// <summary>Column that says of each completion whether it is wanted: true or 1, false or 0.</summary>
    public string LabelColumnName { get; init; } = "Label";

    /// <summary>Column with a vector that describes each prompt; null = none is read.</summary>
    internal virtual string? EmbeddingColumn => null;

    internal override IEnumerable<string> WithoutEffect()
    {
        foreach (string unused in base.WithoutEffect())
            yield return unused;
        if (PaddingFree && PerDeviceTrainBatchSize == 1 && PrecomputeRefBatchSize is null or 1)
            yield return "PaddingFree with PerDeviceTrainBatchSize 1";
    }

    /// <summary>Throws an <see cref="ArgumentException"/> that names the first property out of its range, or two that contradict.</summary>
    private protected void ValidateUnpaired()
    {
        ValidateReference();
        Require.Named(CompletionColumnName);
        Require.Named(LabelColumnName);
    }
}
