using System.Runtime.CompilerServices;

namespace Microsoft.ML.Trl;

/// <summary>
/// How texts are continued. Immutable; make variants with <c>with</c>. Names and meanings are those of transformers' GenerationConfig.
/// </summary>
public sealed record GenerationOptions
{
    /// <summary>
    /// Most tokens added to a prompt, the end token included. At least 1. Fewer are added where the model's context ends.
    /// </summary>
    public int MaxNewTokens { get; init; } = 64;

    /// <summary>Fewest tokens added: no end token is chosen before. From 0 to <see cref="MaxNewTokens"/>.</summary>
    public int MinNewTokens { get; init; }

    /// <summary>
    /// Whether tokens are drawn at random; otherwise the likeliest is taken and temperature, top-k, top-p and min-p have no effect.
    /// </summary>
    public bool DoSample { get; init; } = true;

    /// <summary>Divides the logits before drawing. Greater than 0; below 1 is bolder, above 1 more varied.</summary>
    public double Temperature { get; init; } = 1;

    /// <summary>Only the k likeliest tokens are drawn from; 0 is all.</summary>
    public int TopK { get; init; }

    /// <summary>
    /// Only the likeliest tokens that together reach this probability are drawn from (arXiv:1904.09751). In (0, 1]; 1 is all.
    /// </summary>
    public double TopP { get; init; } = 1;

    /// <summary>
    /// Only tokens at least this probable, relative to the likeliest, are drawn from (arXiv:2407.01082). In [0, 1]; 0 is all.
    /// </summary>
    public double MinP { get; init; }

    /// <summary>
    /// Divides positive and multiplies negative logits of tokens that the row already holds (arXiv:1909.05858). Greater than 0; 1 is off.
    /// </summary>
    public double RepetitionPenalty { get; init; } = 1;

    /// <summary>A row ends when its new text contains one of these; they stay in the text. Needs a decoder from tokens to text.</summary>
    public IReadOnlyList<string> StopStrings { get; init; } = [];

    /// <summary>Tokens that end a row; null takes those of the model's configuration, an empty list ends none.</summary>
    public IReadOnlyList<int>? EosTokenIds { get; init; }

    /// <summary>
    /// Whether a transformer refuses a row that cannot be answered, since its prompt has no token or fills the context. Otherwise such a
    /// row gets an empty completion and a NaN score, and the log a warning.
    /// </summary>
    public bool RefuseUnanswerablePrompts { get; init; }

    /// <summary>
    /// Seed of the draw. In float32 a row's tokens are a function of the model, the prompt, this and the row's own seed; in bfloat16
    /// rounding differs with the rows beside it.
    /// </summary>
    public int Seed { get; init; }

    /// <summary>Checks every property.</summary>
    /// <returns>This.</returns>
    /// <exception cref="ArgumentException">A property is out of range; the message says which and what is allowed.</exception>
    public GenerationOptions Validated()
    {
        Check(MaxNewTokens, MaxNewTokens >= 1, "at least 1");
        Check(MinNewTokens, MinNewTokens >= 0 && MinNewTokens <= MaxNewTokens, $"from 0 to MaxNewTokens ({MaxNewTokens})");
        Check(Temperature, IsPositive(Temperature), "greater than 0; for the likeliest token set DoSample to false");
        Check(TopK, TopK >= 0, "at least 1, or 0 for all tokens");
        Check(TopP, TopP is > 0 and <= 1, "greater than 0 and at most 1");
        Check(MinP, MinP is >= 0 and <= 1, "from 0 to 1");
        Check(RepetitionPenalty, IsPositive(RepetitionPenalty), "greater than 0, 1 for none");
        Generation.StopStrings.Check(StopStrings);
        return this;
    }

    /// <summary>Options that were set and change nothing with these others, each with the reason.</summary>
    internal IEnumerable<string> WithoutEffect()
    {
        if (!DoSample && (Temperature != 1 || TopK > 0 || TopP < 1 || MinP > 0 || Seed != 0))
            yield return "Temperature, TopK, TopP, MinP and Seed of Generation with DoSample false";
        if (MinNewTokens > 0 && EosTokenIds is { Count: 0 })
            yield return "MinNewTokens of Generation without EosTokenIds";
    }

    /// <summary>Checks <see cref="EosTokenIds"/> against the vocabulary of a model.</summary>
    /// <exception cref="ArgumentException">One is outside of it.</exception>
    internal void CheckEndTokens(int vocabulary)
    {
        foreach (int end in (EosTokenIds ?? []).Where(id => (uint)id >= (uint)vocabulary))
            throw new ArgumentException(
                $"The end token {end} of EosTokenIds is not in the vocabulary, which has the tokens 0 to {vocabulary - 1}.");
    }

    private static bool IsPositive(double value) => double.IsFinite(value) && value > 0;

    private static void Check(object value, bool holds, string allowed, [CallerArgumentExpression(nameof(value))] string name = "")
    {
        if (!holds)
            throw new ArgumentException(FormattableString.Invariant($"{name} ({value}) must be {allowed}."), name);
    }
}
