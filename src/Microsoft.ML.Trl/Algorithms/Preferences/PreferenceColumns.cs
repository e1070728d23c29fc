namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>The columns of pairs.</summary>
/// <param name="Prompt">Text; where it is not required and absent, the completions are whole texts.</param>
/// <param name="Chosen">Text.</param>
/// <param name="Rejected">Text.</param>
/// <param name="Margin">Numbers; null = none.</param>
/// <param name="PromptRequired">Whether there must be prompts.</param>
internal sealed record PreferenceColumns(string Prompt, string Chosen, string Rejected, string? Margin, bool PromptRequired);
