namespace Microsoft.ML.Trl.Datasets;

/// <summary>One text to learn: token ids, the prompt first.</summary>
/// <param name="Ids">Prompt and completion, EOS already appended where it is wanted. At least one token.</param>
/// <param name="PromptLength">How many of <paramref name="Ids"/> are prompt; 0 for plain text.</param>
public sealed record TokenExample(int[] Ids, int PromptLength = 0)
{
    /// <summary>The first <paramref name="maxLength"/> tokens; this very example where it is short enough.</summary>
    /// <param name="maxLength">Tokens, at least 1; null = no cut.</param>
    public TokenExample Truncated(int? maxLength) =>
        maxLength is { } max && Ids.Length > max ? new TokenExample(Ids[..max], Math.Min(PromptLength, max)) : this;
}
