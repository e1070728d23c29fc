namespace Microsoft.ML.Trl.Text;

/// <summary>A completion with the tokens it is made of.</summary>
/// <param name="Prompt">Token ids of the prompt.</param>
/// <param name="Tokens">The new token ids, an end token that was chosen included.</param>
/// <param name="Text">What the new tokens say.</param>
/// <param name="HasEnded">Whether an end token was chosen, rather than the length limit reached.</param>
internal sealed record Answer(int[] Prompt, int[] Tokens, string Text, bool HasEnded);
