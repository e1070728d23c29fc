using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>Pieces of the files that Hugging Face's libraries read.</summary>
internal static class TokenizerWriter
{
    /// <summary>Texts unescaped, names as the files write them.</summary>
    public static JsonSerializerOptions Options { get; } = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
    };

    /// <summary>The same, a line per member.</summary>
    public static JsonSerializerOptions Indented { get; } = new(Options) { WriteIndented = true };

    /// <summary>The "model" of tokenizer.json. Merges are written "left right", which all versions of the format know.</summary>
    public static JsonObject Model(JsonObject vocab, IEnumerable<(string Left, string Right)> merges) => new()
    {
        ["type"] = "BPE",
        ["dropout"] = null,
        ["unk_token"] = null,
        ["continuing_subword_prefix"] = null,
        ["end_of_word_suffix"] = null,
        ["fuse_unk"] = false,
        ["byte_fallback"] = false,
        ["ignore_merges"] = false,
        ["vocab"] = vocab.DeepClone(),
        ["merges"] = new JsonArray([.. merges.Select(pair => JsonValue.Create($"{pair.Left} {pair.Right}"))]),
    };

    /// <summary>tokenizer.json of a tokenizer in GPT-2's manner.</summary>
    public static JsonObject Gpt2(JsonObject model, JsonArray addedTokens) => new()
    {
        ["version"] = "1.0",
        ["truncation"] = null,
        ["padding"] = null,
        ["added_tokens"] = addedTokens,
        ["normalizer"] = null,
        ["pre_tokenizer"] = ByteLevel(addsPrefixSpace: false),
        ["post_processor"] = ByteLevel(addsPrefixSpace: true, trimsOffsets: false),
        ["decoder"] = ByteLevel(addsPrefixSpace: true),
        ["model"] = model,
    };

    /// <summary>A part of tokenizer.json that does several things one after the other.</summary>
    /// <param name="name">What the list of its parts is called.</param>
    /// <param name="parts">The parts.</param>
    public static JsonObject Sequence(string name, params JsonObject[] parts)
        => new() { ["type"] = "Sequence", [name] = new JsonArray([.. parts]) };

    /// <summary>Replaces a text, as a normalizer or a decoder.</summary>
    public static JsonObject Replace(string text, string content, bool isPattern = false) => new()
    {
        ["type"] = "Replace",
        ["pattern"] = new JsonObject { [isPattern ? "Regex" : "String"] = text },
        ["content"] = content,
    };

    public static JsonObject ByteLevel(bool addsPrefixSpace, bool trimsOffsets = true, bool cuts = true)
        => new() { ["type"] = "ByteLevel", ["add_prefix_space"] = addsPrefixSpace, ["trim_offsets"] = trimsOffsets, ["use_regex"] = cuts };

    public static JsonArray AddedTokens(IEnumerable<AddedToken> tokens)
        => [.. tokens.Select(token => JsonSerializer.SerializeToNode(token, Options))];

    public static JsonObject Template(string? before, string? after, Func<string, int> idOf)
    {
        string[] names = [.. new[] { before, after }.OfType<string>()];
        var special = new JsonObject();
        foreach (string name in names.Distinct())
            special[name] = new JsonObject { ["id"] = name, ["ids"] = new JsonArray(idOf(name)), ["tokens"] = new JsonArray(name) };
        JsonArray first = [.. Around(before, after, "A", 0)];
        return new JsonObject
        {
            ["type"] = "TemplateProcessing",
            ["single"] = first.DeepClone(),
            ["pair"] = new JsonArray([.. first.Concat(Around(before, after, "B", 1)).Select(node => node!.DeepClone())]),
            ["special_tokens"] = special,
        };
    }

    /// <summary>vocab.json: tokens in the order of their ids.</summary>
    public static string Vocab(IEnumerable<KeyValuePair<string, int>> vocab)
        => JsonSerializer.Serialize(new OrderedDictionary<string, int>(vocab.OrderBy(pair => pair.Value)), Options);

    /// <summary>merges.txt.</summary>
    public static string Merges(IEnumerable<(string Left, string Right)> merges)
    {
        var text = new StringBuilder("#version: 0.2\n");
        foreach ((string left, string right) in merges)
            text.Append(left).Append(' ').Append(right).Append('\n');
        return text.ToString();
    }

    public static string SpecialTokens(SpecialTokenNames names) => Named(names, []).ToJsonString(Indented);

    public static string Config(SpecialTokenNames names) => Named(
        names, new() { ["tokenizer_class"] = "PreTrainedTokenizerFast", ["clean_up_tokenization_spaces"] = false }).ToJsonString(Indented);

    private static JsonObject Named(SpecialTokenNames names, JsonObject into)
    {
        (string, string?)[] roles =
            [("bos_token", names.Bos), ("eos_token", names.Eos), ("pad_token", names.Pad), ("unk_token", names.Unk)];
        foreach ((string key, string? name) in roles)
            if (name is not null)
                into[key] = name;
        return into;
    }

    private static IEnumerable<JsonNode> Around(string? before, string? after, string text, int type)
    {
        if (before is not null)
            yield return Part("SpecialToken", before);
        yield return Part("Sequence", text);
        if (after is not null)
            yield return Part("SpecialToken", after);

        JsonObject Part(string kind, string id) => new() { [kind] = new JsonObject { ["id"] = id, ["type_id"] = type } };
    }
}
