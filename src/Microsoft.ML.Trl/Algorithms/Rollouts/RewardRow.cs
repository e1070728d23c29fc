namespace Microsoft.ML.Trl;

/// <summary>A completion to be rewarded, with what it answers.</summary>
/// <param name="Prompt">The prompt, as the data have it: a text, or JSON where the data hold conversations.</param>
/// <param name="Completion">What the policy wrote.</param>
/// <param name="PromptIds">Token ids of the prompt.</param>
/// <param name="CompletionIds">Token ids that the policy wrote, an end token that it chose included.</param>
/// <param name="HasEnded">Whether the policy chose an end token, rather than being cut at the length limit.</param>
/// <param name="Row">The row of the data that the prompt stands in, counted from 0.</param>
/// <param name="Step">The step of the run that asks, counted from 1; 0 outside of training.</param>
public sealed record RewardRow(
    string Prompt, string Completion, IReadOnlyList<int> PromptIds, IReadOnlyList<int> CompletionIds, bool HasEnded, long Row, int Step)
{
    /// <summary>The prompt as the policy read it.</summary>
    internal RowPrompt Read { get; init; } = new(Prompt, TemplateCells.None, Prompt, [.. PromptIds], IsConversation: false);
}
