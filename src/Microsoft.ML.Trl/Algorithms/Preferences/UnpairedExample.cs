namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>A prompt with one completion that is wanted or not, as token ids.</summary>
/// <param name="Prompt">What was asked.</param>
/// <param name="Completion">What followed, EOS already appended where it is wanted.</param>
/// <param name="IsDesirable">Whether it is wanted.</param>
/// <param name="Embedding">What describes the prompt, in numbers; null = nothing does.</param>
internal sealed record UnpairedExample(int[] Prompt, int[] Completion, bool IsDesirable, float[]? Embedding = null)
{
    /// <summary>Tokens of both.</summary>
    public int Length => Prompt.Length + Completion.Length;

    /// <summary>Both in one text; or the prompt with another completion.</summary>
    public TokenExample Text(int[]? completion = null) => new([.. Prompt, .. completion ?? Completion], Prompt.Length);
}
