using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl;

/// <summary>What a conversation is rendered with: the arguments of transformers' <c>apply_chat_template</c>.</summary>
public sealed record ChatTemplateOptions
{
    /// <summary>Functions that the assistant may call, as JSON schemas. Null, the default: none.</summary>
    public JsonArray? Tools { get; init; }

    /// <summary>Texts to answer from, each with "title" and "text". Null, the default: none.</summary>
    public JsonArray? Documents { get; init; }

    /// <summary>
    /// Whether to end with what begins the assistant's answer. False by default; not together with <see cref="ContinueFinalMessage"/>.
    /// </summary>
    public bool AddGenerationPrompt { get; init; }

    /// <summary>Whether to end with the last message's content, for the model to go on with it. False by default.</summary>
    public bool ContinueFinalMessage { get; init; }

    /// <summary>
    /// Further variables: bos_token, eos_token, and what else the template knows (enable_thinking, …). None by default. They go before
    /// those that a tokenizer sets.
    /// </summary>
    public IReadOnlyDictionary<string, JsonNode?> Variables { get; init; } = new Dictionary<string, JsonNode?>();

    /// <summary>Clock of <c>strftime_now</c>, in its local time. The system's by default.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>
    /// Most steps: evaluated nodes, visited items, and eighths of characters of texts that are made or searched. At least 1; by default
    /// 10,000,000, a second or two.
    /// </summary>
    public long StepLimit { get; init; } = 10_000_000;

    /// <summary>Most characters of the output, and of any text on the way. At least 1; by default 16,777,216.</summary>
    public int LengthLimit { get; init; } = 1 << 24;

    internal ChatTemplateOptions Validated()
    {
        Require.Positive(StepLimit);
        Require.Positive(LengthLimit);
        if (AddGenerationPrompt && ContinueFinalMessage)
            throw new ArgumentException(
                $"{nameof(AddGenerationPrompt)} and {nameof(ContinueFinalMessage)} are both true; the text can end either with the "
                + "beginning of a new message or within the last one. Set one of them to false.");
        return this;
    }
}
