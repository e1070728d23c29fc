using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl;

/// <summary>One message of a conversation.</summary>
/// <param name="Role">Who says it: usually system, user, assistant or tool.</param>
/// <param name="Content">What is said.</param>
public sealed record ChatMessage(string Role, string Content)
{
    /// <summary>
    /// Further fields that the template may read: tool_calls, name, reasoning_content, or a content of several parts, which then takes the
    /// place of <see cref="Content"/>. None by default.
    /// </summary>
    public IReadOnlyDictionary<string, JsonNode?> Fields { get; init; } = new Dictionary<string, JsonNode?>();
}
