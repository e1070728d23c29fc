namespace Microsoft.ML.Trl;

/// <summary>
/// Settings that the methods share which learn from pairs without a reference. Immutable; make variants with <c>with</c>.
/// </summary>
public abstract record ReferenceFreeOptions : PreferenceOptions
{
    /// <summary>TRL's defaults.</summary>
    protected ReferenceFreeOptions() => RouterAuxLossCoef = null;

    /// <summary>Most tokens of an answer alone, at least 2; null = <see cref="PreferenceOptions.MaxLength"/> is the only limit.</summary>
    public int? MaxCompletionLength { get; init; }

    internal override int? LongestAnswer => MaxCompletionLength;

    /// <summary>Throws an <see cref="ArgumentException"/> that names the first property out of its range.</summary>
    private protected void ValidateReferenceFree()
    {
        ValidatePreferences();
        Require.AtLeast(MaxCompletionLength, 2);
    }
}
