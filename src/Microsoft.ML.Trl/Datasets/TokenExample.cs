namespace Microsoft.ML.Trl.Datasets;

/// <summary>One text to learn: token ids, the prompt first.</summary>
/// <param name="Ids">Prompt and completion, EOS already appended where it is wanted.</param>
/// <param name="PromptLength">How many of <paramref name="Ids"/> are prompt, at least 0; 0 for plain text.</param>
/// <exception cref="ArgumentOutOfRangeException">The length is negative.</exception>
public sealed record TokenExample(int[] Ids, int PromptLength = 0)
{
    /// <summary>Prompt and completion.</summary>
    public int[] Ids { get; init => field = Require.NotNull(value, nameof(Ids)); } = Require.NotNull(Ids);

    /// <summary>How many of <see cref="Ids"/> are prompt; 0 for plain text.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative.</exception>
    public int PromptLength { get; init => field = NotNegative(value); } = NotNegative(PromptLength);

    /// <summary>Which of <see cref="Ids"/> are to be learned, one by one; null = all after the prompt.</summary>
    public bool[]? Learned { get; init; }

    /// <summary>
    /// Whether the token at that position is to be learned. The very first token of a row never is: nothing comes before it.
    /// </summary>
    /// <param name="position">Index into <see cref="Ids"/>.</param>
    /// <exception cref="ArgumentException">There is no such position, or <see cref="Learned"/> has not one entry per token.</exception>
    public bool Learns(int position)
    {
        if ((uint)position >= (uint)Ids.Length)
            throw new ArgumentOutOfRangeException(
                nameof(position),
                $"position ({position}) must be that of a token: {(Ids.Length == 0 ? "there is none" : $"0 to {Ids.Length - 1}")}.");
        return Marks() is { } learned ? learned[position] : position >= PromptLength;
    }

    /// <summary>How many tokens are learned.</summary>
    /// <param name="countFirst">Count the first token where it is marked, although nothing predicts it.</param>
    /// <exception cref="ArgumentException"><see cref="Learned"/> has not one entry per token.</exception>
    public int LearnedTokens(bool countFirst = false) => Enumerable.Range(0, Ids.Length).Skip(countFirst ? 0 : 1).Count(Learns);

    /// <summary>The first <paramref name="maxLength"/> tokens; this very example where it is short enough.</summary>
    /// <param name="maxLength">Tokens, at least 1; null = no cut.</param>
    /// <exception cref="ArgumentException">The length is below 1, or <see cref="Learned"/> has not one entry per token.</exception>
    public TokenExample Truncated(int? maxLength)
    {
        Require.AtLeast(maxLength, 1);
        return maxLength is { } max && Ids.Length > max ? Slice(0, max) : this;
    }

    /// <summary>Some of the tokens, each learned or not as before.</summary>
    /// <param name="start">First token.</param>
    /// <param name="count">Tokens; at least 1.</param>
    /// <exception cref="ArgumentException">There are no such tokens, or <see cref="Learned"/> has not one entry per token.</exception>
    public TokenExample Slice(int start, int count)
    {
        if (start < 0 || count < 1 || start > Ids.Length - count)
            throw new ArgumentOutOfRangeException(
                nameof(start), $"start ({start}) and count ({count}) must be at least one of the {Ids.Length} tokens.");
        return new(Ids[start..(start + count)], Math.Clamp(PromptLength - start, 0, count)) { Learned = Marks()?[start..(start + count)] };
    }

    private bool[]? Marks() => Learned is null || Learned.Length == Ids.Length ? Learned : throw new ArgumentException(
        $"Learned has {Learned.Length} entries for {Ids.Length} tokens; give one for each, or null.", nameof(Learned));

    private static int NotNegative(int length)
    {
        Require.AtLeast(length, 0, nameof(PromptLength));
        return length;
    }
}
