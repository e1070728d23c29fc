using System.Text.Json;
using Microsoft.ML.Tokenizers;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>Reads tokenizer.json (Hugging Face tokenizers 0.x) into a <see cref="TokenizerDefinition"/>.</summary>
internal static class TokenizerJson
{
    // The largest known vocabularies have a sixtieth of that.
    private const int HighestId = (1 << 24) - 1;

    /// <exception cref="InvalidDataException">Not JSON, or not what the format says.</exception>
    /// <exception cref="NotSupportedException">Another kind of tokenizer.</exception>
    public static TokenizerDefinition Read(string json, string source)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(json);
            return Read(document.RootElement, source);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new InvalidDataException($"{source} is not a tokenizer.json that can be read: {e.Message}", e);
        }
    }

    private static TokenizerDefinition Read(JsonElement root, string source)
    {
        JsonElement model = root.Get("model") ?? throw new InvalidDataException($"{source} has no \"model\".");
        CheckKind(model, source);
        Dictionary<string, int> vocabulary = ReadVocabulary(model.GetProperty("vocab"), source);
        List<AddedToken> added = ReadAddedTokens(root.Get("added_tokens"), vocabulary, source);
        (IReadOnlyList<int> prefix, IReadOnlyList<int> suffix) = TemplateJson.Read(root.Get("post_processor"), source);
        CheckTemplate(prefix.Concat(suffix), vocabulary.Values.Concat(added.Select(token => token.Id)).Max(), source);
        CheckDecoder(root.Get("decoder"), source);
        string? unknown = model.Text("unk_token");
        if (unknown is not null && !vocabulary.ContainsKey(unknown))
            throw new InvalidDataException($"{source}: the unk_token \"{unknown}\" of the model is not in its vocabulary.");
        return new TokenizerDefinition
        {
            Vocab = vocabulary,
            Merges = ReadMerges(model.GetProperty("merges"), vocabulary, source),
            AddedTokens = added,
            UnknownToken = unknown,
            FusesUnknown = model.Flag("fuse_unk"),
            IgnoresMerges = model.Flag("ignore_merges"),
            Normalizer = ReadNormalizer(root.Get("normalizer"), source),
            PreTokenizer = PreTokenizerJson.Read(root.Get("pre_tokenizer"), source),
            Prefix = prefix,
            Suffix = suffix,
        };
    }

    /// <summary>The exception for a tokenizer of another kind.</summary>
    public static NotSupportedException OtherKind(string source, string kind) => new(
        $"{source}: {kind} tokenizers are not supported. Supported are byte-level BPE tokenizers "
        + "(GPT-2, GPT-NeoX, RoBERTa, OPT, Qwen2, Llama 3, Falcon, BLOOM and their like).");

    private static void CheckKind(JsonElement model, string source)
    {
        string kind = model.Text("type") ?? (model.Get("merges") is null ? "untyped" : "BPE");
        if (kind != "BPE")
            throw OtherKind(source, kind);
        if (model.Flag("byte_fallback"))
            throw OtherKind(source, "SentencePiece-style BPE (byte_fallback)");
        foreach (string affix in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
            if (model.Text(affix) is { Length: > 0 } text)
                throw OtherKind(source, $"BPE with {affix} \"{text}\"");
        if (model.Get("dropout") is { } dropout && dropout.GetDouble() > 0)
            throw OtherKind(source, "BPE with dropout");
    }

    private static Dictionary<string, int> ReadVocabulary(JsonElement vocab, string source)
    {
        var vocabulary = new Dictionary<string, int>();
        var owners = new Dictionary<int, string>();
        foreach (JsonProperty entry in vocab.EnumerateObject())
        {
            int id = entry.Value.GetInt32();
            CheckId(id, entry.Name, source);
            if (id < 0 || !owners.TryAdd(id, entry.Name) || !vocabulary.TryAdd(entry.Name, id))
            {
                string owner = owners.TryGetValue(id, out string? other) ? $" (\"{other}\")" : "";
                throw new InvalidDataException(
                    $"{source}: the vocabulary gives \"{entry.Name}\" the id {id}, which is negative or given twice{owner}.");
            }
        }
        return vocabulary.Count > 0 ? vocabulary : throw new InvalidDataException($"{source}: the vocabulary is empty.");
    }

    private static List<(string, string)> ReadMerges(JsonElement merges, Dictionary<string, int> vocabulary, string source)
    {
        var list = new List<(string Left, string Right)>();
        foreach (JsonElement entry in merges.EnumerateArray())
        {
            bool isText = entry.ValueKind == JsonValueKind.String;
            string[] pair = isText ? entry.GetString()!.Split(' ') : [.. entry.EnumerateArray().Select(part => part.GetString() ?? "")];
            if (pair.Length != 2 || pair.Any(part => part.Length == 0 || part.Contains(' ')))
                throw Damaged($"is {entry.GetRawText()}; two tokens without blanks are needed");
            foreach (string token in new[] { pair[0], pair[1], pair[0] + pair[1] })
                if (!vocabulary.ContainsKey(token))
                    throw Damaged($"({pair[0]} + {pair[1]}) needs the token \"{token}\", which is not in the vocabulary");
            list.Add((pair[0], pair[1]));
        }
        return [.. list.AsEnumerable().Reverse().Distinct().Reverse()]; // of a pair that is listed twice the later place counts

        InvalidDataException Damaged(string how) => new($"{source}: merge {list.Count} {how}.");
    }

    private static List<AddedToken> ReadAddedTokens(JsonElement? tokens, Dictionary<string, int> vocabulary, string source)
    {
        var added = new List<AddedToken>();
        foreach (JsonElement entry in tokens?.EnumerateArray() ?? [])
        {
            if (entry.Deserialize<AddedToken>(TokenizerWriter.Options) is not { Content: not null } token)
                throw new InvalidDataException($"{source}: an added token has no \"content\": {entry.GetRawText()}");
            if (vocabulary.TryGetValue(token.Content, out int id))
                token = token with { Id = id };
            CheckId(token.Id, token.Content, source);
            if (token.Id < 0 || added.Any(other => other.Content == token.Content))
                throw new InvalidDataException(
                    $"{source}: the added token \"{token.Content}\" (id {token.Id}) is there twice, or has no id or a negative one.");
            added.Add(token);
        }
        return added;
    }

    // There is a table with a place for every id.
    private static void CheckId(int id, string token, string source)
    {
        if (id > HighestId)
            throw new InvalidDataException($"{source}: the token \"{token}\" has the id {id}; the highest that is allowed is {HighestId}.");
    }

    private static void CheckTemplate(IEnumerable<int> ids, int highest, string source)
    {
        foreach (int id in ids.Where(id => (uint)id > (uint)highest))
            throw new InvalidDataException(
                $"{source}: the post_processor adds the id {id}, but the tokens have the ids 0 to {highest}.");
    }

    private static NfcNormalizer? ReadNormalizer(JsonElement? normalizer, string source)
    {
        switch (normalizer?.Text("type"))
        {
            case null:
                return null;
            case "NFC":
                NfcNormalizer.CheckSupport(source, text => text.Normalize());
                return new NfcNormalizer();
            case "Sequence":
                return normalizer.Value.GetProperty("normalizers").EnumerateArray()
                    .Aggregate((NfcNormalizer?)null, (all, one) => ReadNormalizer(one, source) ?? all);
            case string other:
                throw OtherKind(source, $"BPE with the normalizer {other}");
        }
    }

    private static void CheckDecoder(JsonElement? decoder, string source)
    {
        string? kind = decoder?.Text("type");
        if (kind == "Sequence")
            foreach (JsonElement part in decoder!.Value.GetProperty("decoders").EnumerateArray())
                CheckDecoder(part, source);
        else if (kind is not (null or "ByteLevel" or "Fuse"))
            throw OtherKind(source, $"BPE with the decoder {kind}");
    }
}

/// <summary>What a tokenizer.json says, as far as it concerns a byte-level BPE.</summary>
internal sealed record TokenizerDefinition
{
    /// <summary>Token to id, without the added tokens that the model itself does not know.</summary>
    public required IReadOnlyDictionary<string, int> Vocab { get; init; }

    /// <summary>Pairs in the order in which they are joined, each once.</summary>
    public required IReadOnlyList<(string Left, string Right)> Merges { get; init; }

    public required IReadOnlyList<AddedToken> AddedTokens { get; init; }

    public string? UnknownToken { get; init; }

    public bool FusesUnknown { get; init; }

    /// <summary>A piece that is itself in the vocabulary is not taken apart.</summary>
    public bool IgnoresMerges { get; init; }

    public Normalizer? Normalizer { get; init; }

    public required PreTokenizerDefinition PreTokenizer { get; init; }

    /// <summary>Ids before a text that is encoded with special tokens.</summary>
    public IReadOnlyList<int> Prefix { get; init; } = [];

    /// <summary>Ids behind it.</summary>
    public IReadOnlyList<int> Suffix { get; init; } = [];
}

/// <summary>Members that may be absent or null.</summary>
internal static class JsonElements
{
    public static JsonElement? Get(this JsonElement element, string name)
        => element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public static string? Text(this JsonElement element, string name) => element.Get(name)?.GetString();

    public static bool Flag(this JsonElement element, string name, bool absent = false) => element.Get(name)?.GetBoolean() ?? absent;
}
