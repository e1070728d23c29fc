using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>Writes the tokenizer.json that a vocab.json + merges.txt pair stands for (what transformers makes of it when it loads one).</summary>
internal static class LegacyVocabulary
{
    private const string Qwen2Pattern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>Adds tokenizer.json and, where nothing names special tokens, a tokenizer_config.json with GPT-2's.</summary>
    public static void Complete(Dictionary<string, string> files, string source)
    {
        try
        {
            JsonObject vocabulary = JsonNode.Parse(files[TokenizerFiles.Vocabulary])!.AsObject();
            SpecialTokenNames names = SpecialTokenNames.Read(files, source);
            if (names is { Bos: null, Eos: null } && !files.ContainsKey(TokenizerFiles.Config) && vocabulary.ContainsKey(BpeTrainer.DefaultSpecialToken))
                names = names with { Bos = BpeTrainer.DefaultSpecialToken, Eos = BpeTrainer.DefaultSpecialToken };
            files.TryAdd(TokenizerFiles.Config, TokenizerWriter.Config(names));
            JsonObject config = JsonNode.Parse(files[TokenizerFiles.Config])!.AsObject();
            files[TokenizerFiles.Tokenizer] = Build(vocabulary, ReadMerges(files[TokenizerFiles.Merges]), config, files, source).ToJsonString(TokenizerWriter.Options);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or NullReferenceException)
        {
            throw new InvalidDataException($"{TokenizerFiles.Vocabulary} and {TokenizerFiles.Merges} of {source} cannot be read: {e.Message}", e);
        }
    }

    private static JsonObject Build(JsonObject vocabulary, List<(string, string)> merges, JsonObject config, IReadOnlyDictionary<string, string> files, string source)
    {
        string kind = ((string?)config["tokenizer_class"] ?? "GPT2Tokenizer").Replace("Fast", "", StringComparison.Ordinal);
        bool isRoberta = kind is "RobertaTokenizer" or "BartTokenizer" or "LongformerTokenizer" or "LEDTokenizer";
        bool isQwen = kind == "Qwen2Tokenizer";
        if (!isRoberta && !isQwen && kind is not ("GPT2Tokenizer" or "GPTNeoXTokenizer" or "PreTrainedTokenizer"))
            throw TokenizerJson.OtherKind(source, kind);
        bool addsSpace = (bool?)config["add_prefix_space"] ?? false;
        SpecialTokenNames names = SpecialTokenNames.Read(files, source);
        JsonObject byteLevel = TokenizerWriter.ByteLevel(addsSpace, cuts: !isQwen);
        JsonObject split = new() { ["type"] = "Split", ["pattern"] = new JsonObject { ["Regex"] = Qwen2Pattern }, ["behavior"] = "Isolated", ["invert"] = false };
        return new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = AddedTokens(vocabulary, config, files, names),
            ["normalizer"] = isQwen || kind == "GPTNeoXTokenizer" ? new JsonObject { ["type"] = "NFC" } : null,
            ["pre_tokenizer"] = isQwen ? new JsonObject { ["type"] = "Sequence", ["pretokenizers"] = new JsonArray(split, byteLevel) } : byteLevel,
            ["post_processor"] = PostProcessor(vocabulary, config, names, isRoberta),
            ["decoder"] = TokenizerWriter.ByteLevel(addsPrefixSpace: true),
            ["model"] = TokenizerWriter.Model(vocabulary, merges),
        };
    }

    private static List<(string Left, string Right)> ReadMerges(string text)
    {
        var merges = new List<(string, string)>();
        foreach (string line in text.Split('\n').Select(line => line.TrimEnd('\r')).Where(line => line.Length > 0 && !line.StartsWith("#version", StringComparison.Ordinal)))
        {
            string[] pair = line.Split(' ');
            merges.Add(pair.Length == 2 ? (pair[0], pair[1]) : throw new FormatException($"{TokenizerFiles.Merges} has the line \"{line}\"; two tokens with one blank between them are needed."));
        }
        return merges;
    }

    // added_tokens_decoder of the configuration, added_tokens.json, and the special tokens themselves
    private static JsonArray AddedTokens(JsonObject vocabulary, JsonObject config, IReadOnlyDictionary<string, string> files, SpecialTokenNames names)
    {
        var tokens = new SortedDictionary<int, JsonObject>();
        foreach ((string id, JsonNode? token) in config["added_tokens_decoder"]?.AsObject() ?? [])
            tokens[int.Parse(id, System.Globalization.CultureInfo.InvariantCulture)] = token!.DeepClone().AsObject();
        foreach ((string content, JsonNode? id) in files.TryGetValue(TokenizerFiles.AddedTokens, out string? text) ? JsonNode.Parse(text)!.AsObject() : [])
            tokens.TryAdd((int)id!, TokenizerWriter.AddedToken(content, isSpecial: false));
        foreach (string name in new[] { names.Bos, names.Eos, names.Unk, names.Pad }.OfType<string>().Distinct())
            if ((int?)vocabulary[name] is { } id)
                tokens.TryAdd(id, TokenizerWriter.AddedToken(name, isSpecial: true));
        return new JsonArray([.. tokens.Select(pair =>
        {
            pair.Value["id"] = pair.Key;
            return (JsonNode)pair.Value;
        })]);
    }

    private static JsonObject? PostProcessor(JsonObject vocabulary, JsonObject config, SpecialTokenNames names, bool isRoberta)
    {
        string? before = isRoberta ? names.Bos ?? "<s>" : (bool?)config["add_bos_token"] is true ? names.Bos : null;
        string? after = isRoberta ? names.Eos ?? "</s>" : (bool?)config["add_eos_token"] is true ? names.Eos : null;
        if (isRoberta)
            return new JsonObject { ["type"] = "RobertaProcessing", ["sep"] = Pair(after!), ["cls"] = Pair(before!), ["trim_offsets"] = true, ["add_prefix_space"] = true };
        if (before is null && after is null)
            return TokenizerWriter.ByteLevel(addsPrefixSpace: true, trimsOffsets: false);
        return TokenizerWriter.Template(before, after, name => (int)vocabulary[name]!);

        JsonArray Pair(string name) => new(name, (int?)vocabulary[name] ?? throw new FormatException($"the special token \"{name}\" is not in the vocabulary"));
    }
}
