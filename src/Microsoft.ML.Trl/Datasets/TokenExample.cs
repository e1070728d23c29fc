namespace Microsoft.ML.Trl.Datasets;

/// <summary>One text to learn: token ids, the prompt first.</summary>
/// <param name="Ids">Prompt and completion, EOS already appended where it is wanted. At least one token.</param>
/// <param name="PromptLength">How many of <paramref name="Ids"/> are prompt; 0 for plain text.</param>
public sealed record TokenExample(int[] Ids, int PromptLength = 0)
{
    /// <summary>Which of <see cref="Ids"/> are to be learned, one by one; null = all after the prompt.</summary>
    public bool[]? Learned { get; init; }

    /// <summary>
    /// Whether the token at that position is to be learned. The very first token of a row never is: nothing comes before it.
    /// </summary>
    /// <param name="position">Index into <see cref="Ids"/>.</param>
    public bool Learns(int position) => Learned is { } learned ? learned[position] : position >= PromptLength;

    /// <summary>How many tokens are learned.</summary>
    /// <param name="countFirst">Count the first token where it is marked, although nothing predicts it.</param>
    public int LearnedTokens(bool countFirst = false) => Enumerable.Range(0, Ids.Length).Skip(countFirst ? 0 : 1).Count(Learns);

    /// <summary>The first <paramref name="maxLength"/> tokens; this very example where it is short enough.</summary>
    /// <param name="maxLength">Tokens, at least 1; null = no cut.</param>
    public TokenExample Truncated(int? maxLength) => maxLength is { } max && Ids.Length > max ? Slice(0, max) : this;

    /// <summary>Some of the tokens, each learned or not as before.</summary>
    /// <param name="start">First token.</param>
    /// <param name="count">Tokens; at least 1.</param>
    public TokenExample Slice(int start, int count) =>
        new(Ids[start..(start + count)], Math.Clamp(PromptLength - start, 0, count)) { Learned = Learned?[start..(start + count)] };
}
