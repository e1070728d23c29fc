namespace Microsoft.ML.Trl.Tokenization;

/// <summary>A token that is looked for in the text before anything else happens to it (an entry of "added_tokens").</summary>
/// <param name="Id">Its number.</param>
/// <param name="Content">The text it stands for.</param>
/// <param name="IsSpecial">A mark that decoding may skip, not text.</param>
/// <param name="StripsLeft">White space before it belongs to it.</param>
/// <param name="StripsRight">White space after it belongs to it.</param>
/// <param name="IsNormalized">Looked for in the normalized text, not in the text as given.</param>
/// <param name="IsSingleWord">Found only where no word character touches it.</param>
internal sealed record AddedToken(int Id, string Content, bool IsSpecial, bool StripsLeft = false, bool StripsRight = false, bool IsNormalized = false, bool IsSingleWord = false);
