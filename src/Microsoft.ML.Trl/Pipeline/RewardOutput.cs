namespace Microsoft.ML.Trl.Pipeline;

/// <summary>What a reward model reads and adds.</summary>
/// <param name="OutputColumnName">Column of scores that is added.</param>
/// <param name="PromptColumnName">Text column with what the completions answer; null = none is read.</param>
/// <param name="CompletionColumnName">Text column with what is scored.</param>
/// <param name="Conversations">How prompts are read as conversations; null = as texts.</param>
internal sealed record RewardOutput(
    string OutputColumnName, string? PromptColumnName, string CompletionColumnName, ConversationOptions? Conversations);
