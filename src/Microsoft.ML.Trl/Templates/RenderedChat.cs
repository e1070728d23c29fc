namespace Microsoft.ML.Trl;

/// <summary>A conversation as the model reads it.</summary>
/// <param name="Text">The text, special tokens written out: encode it without adding any.</param>
/// <param name="GenerationSpans">
/// The parts that the assistant says, in their order: what the template's <c>{% generation %}</c> blocks wrote. Empty where it has none.
/// </param>
public sealed record RenderedChat(string Text, IReadOnlyList<ChatSpan> GenerationSpans);
