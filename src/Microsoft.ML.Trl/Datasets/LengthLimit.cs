namespace Microsoft.ML.Trl.Datasets;

/// <summary>How long rows may be.</summary>
internal static class LengthLimit
{
    /// <summary>The option, or the model's context where that is less; a warning says so.</summary>
    public static int Of(int? maxLength, int contextLength, Action<string> warn)
    {
        if (maxLength is { } asked && asked > contextLength)
            warn($"MaxLength ({asked}) is more than the model's context; rows have {contextLength} tokens at most.");
        return Math.Min(maxLength ?? int.MaxValue, contextLength);
    }
}
