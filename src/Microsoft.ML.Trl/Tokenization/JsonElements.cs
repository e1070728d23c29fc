using System.Text.Json;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>Members that may be absent or null.</summary>
internal static class JsonElements
{
    public static JsonElement? Get(this JsonElement element, string name)
        => element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public static string? Text(this JsonElement element, string name) => element.Get(name)?.GetString();

    public static bool Flag(this JsonElement element, string name, bool absent = false) => element.Get(name)?.GetBoolean() ?? absent;
}
