namespace Microsoft.ML.Trl.Generation;

/// <summary>Bends the scores of the next token. Pure: the same arguments give the same scores.</summary>
internal interface ILogitsFilter
{
    /// <param name="context">Prompt and new tokens of the row, without padding.</param>
    /// <param name="newTokens">How many of them are new.</param>
    /// <param name="scores">[V] changed in place; negative infinity forbids a token.</param>
    void Apply(ReadOnlySpan<int> context, int newTokens, Span<float> scores);
}
