using System.Text.Json;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>Which tokens play the parts of begin, end, padding and unknown.</summary>
internal sealed record SpecialTokenNames(string? Bos, string? Eos, string? Pad, string? Unk)
{
    /// <summary>Reads tokenizer_config.json and, for what that does not name, special_tokens_map.json.</summary>
    public static SpecialTokenNames Read(IReadOnlyDictionary<string, string> files, string source)
    {
        SpecialTokenNames config = Parse(files, TokenizerFiles.Config, source), map = Parse(files, TokenizerFiles.SpecialTokens, source);
        return new SpecialTokenNames(config.Bos ?? map.Bos, config.Eos ?? map.Eos, config.Pad ?? map.Pad, config.Unk ?? map.Unk);
    }

    private static SpecialTokenNames Parse(IReadOnlyDictionary<string, string> files, string name, string source)
    {
        if (!files.TryGetValue(name, out string? json))
            return new SpecialTokenNames(null, null, null, null);
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return new SpecialTokenNames(Name("bos_token"), Name("eos_token"), Name("pad_token"), Name("unk_token"));

            string? Name(string key) // a string, or an added token with its content
                => document.RootElement.Get(key) is { } value ? value.ValueKind == JsonValueKind.Object ? value.Text("content") : value.GetString() : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"{name} of {source} cannot be read: {e.Message}", e);
        }
    }
}
