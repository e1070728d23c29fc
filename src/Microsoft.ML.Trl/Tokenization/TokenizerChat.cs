using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>The chat template among a tokenizer's files, and the special tokens that it can name.</summary>
internal static class TokenizerChat
{
    /// <summary>A file that holds nothing but the template; where it is there, it counts.</summary>
    public const string File = "chat_template.jinja";

    private const string Key = "chat_template", DefaultName = "default";

    /// <summary>The template, null where there is none.</summary>
    /// <param name="files">Files of a tokenizer.</param>
    /// <param name="source">Where they come from, for messages.</param>
    /// <exception cref="InvalidDataException">There is one that is no Jinja template.</exception>
    /// <exception cref="NotSupportedException">It uses a part of Jinja that is missing here.</exception>
    public static ChatTemplate? Read(IReadOnlyDictionary<string, string> files, string source)
    {
        string? text = files.TryGetValue(File, out string? whole) ? whole : Configured(files[TokenizerFiles.Config], source);
        return text is null ? null : ChatTemplate.Parse(text, source);
    }

    /// <summary>bos_token, eos_token and the others that are set, as variables of the template.</summary>
    public static Dictionary<string, JsonNode?> Tokens(IReadOnlyDictionary<string, string> files)
    {
        var tokens = new Dictionary<string, JsonNode?>();
        foreach (string name in new[] { TokenizerFiles.SpecialTokens, TokenizerFiles.Config })
        {
            using var document = JsonDocument.Parse(files[name]);
            foreach (JsonProperty entry in document.RootElement.EnumerateObject())
                if (entry.Name.EndsWith("_token", StringComparison.Ordinal) && Content(entry.Value, "content") is { } token)
                    tokens[entry.Name] = token;
        }
        return tokens;
    }

    private static string? Configured(string json, string source)
    {
        using var document = JsonDocument.Parse(json);
        if (document.RootElement.Get(Key) is not { } entry)
            return null;
        if (entry.ValueKind == JsonValueKind.Array)
        {
            JsonElement[] several = [.. entry.EnumerateArray()];
            JsonElement chosen = several.Length == 1 ? several[0] : Array.Find(several, one => Content(one, "name") == DefaultName);
            entry = chosen.ValueKind == JsonValueKind.Undefined ? entry : chosen;
        }
        return Content(entry, "template") ?? throw new InvalidDataException(
            $"The \"{Key}\" in {TokenizerFiles.Config} of {source} must be a text, or a list of objects with \"name\" and \"template\" of "
            + $"which one is named \"{DefaultName}\". Correct it, or put the template into {File}.");
    }

    // a text, or an object that has one
    private static string? Content(JsonElement element, string key) => element.ValueKind switch
    {
        JsonValueKind.String => element.GetString(),
        JsonValueKind.Object when element.TryGetProperty(key, out JsonElement value) && value.ValueKind == JsonValueKind.String
            => value.GetString(),
        _ => null,
    };
}
