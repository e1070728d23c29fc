using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>Makes the tokenizer.json that a vocab.json + merges.txt pair stands for, as transformers does when it loads one.</summary>
internal static class LegacyVocabulary
{
    private const string Qwen2Pattern = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
        + @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>Adds tokenizer.json and, where nothing names special tokens, a tokenizer_config.json with GPT-2's.</summary>
    public static void Complete(Dictionary<string, string> files, string source)
    {
        try
        {
            JsonObject vocab = StrictJson.Object(files[TokenizerFiles.Vocab]);
            SpecialTokenNames names = SpecialTokenNames.Read(files, source);
            bool isUnnamed = names is { Bos: null, Eos: null } && !files.ContainsKey(TokenizerFiles.Config);
            if (isUnnamed && vocab.ContainsKey(BpeTrainer.DefaultSpecialToken))
                names = names with { Bos = BpeTrainer.DefaultSpecialToken, Eos = BpeTrainer.DefaultSpecialToken };
            files.TryAdd(TokenizerFiles.Config, TokenizerWriter.Config(names));
            JsonObject config = StrictJson.Object(files[TokenizerFiles.Config]);
            JsonObject tokenizer = TokenizerWriter.Gpt2(
                TokenizerWriter.Model(vocab, ReadMerges(files[TokenizerFiles.Merges])), AddedTokens(vocab, config, files, names));
            AdaptTo(config, names, vocab, tokenizer, source);
            files[TokenizerFiles.Tokenizer] = tokenizer.ToJsonString(TokenizerWriter.Options);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or OverflowException
            or NullReferenceException)
        {
            throw new InvalidDataException(
                $"{TokenizerFiles.Vocab} and {TokenizerFiles.Merges} of {source} cannot be read: {e.Message}", e);
        }
    }

    // what the tokenizer class of the configuration does otherwise than GPT-2's
    private static void AdaptTo(JsonObject config, SpecialTokenNames names, JsonObject vocab, JsonObject tokenizer, string source)
    {
        string kind = ((string?)config["tokenizer_class"] ?? "GPT2Tokenizer").Replace("Fast", "", StringComparison.Ordinal);
        bool isRoberta = kind is "RobertaTokenizer" or "BartTokenizer" or "LongformerTokenizer" or "LEDTokenizer";
        bool isQwen = kind == "Qwen2Tokenizer";
        if (!isRoberta && !isQwen && kind is not ("GPT2Tokenizer" or "GPTNeoXTokenizer" or "PreTrainedTokenizer"))
            throw TokenizerJson.OtherKind(source, kind);
        JsonObject byteLevel = TokenizerWriter.ByteLevel((bool?)config["add_prefix_space"] ?? false, cuts: !isQwen);
        tokenizer["pre_tokenizer"] = isQwen ? TokenizerWriter.Sequence("pretokenizers", Split(Qwen2Pattern), byteLevel) : byteLevel;
        if (isQwen || kind == "GPTNeoXTokenizer")
            tokenizer["normalizer"] = new JsonObject { ["type"] = "NFC" };
        string? before = (bool?)config["add_bos_token"] is true ? names.Bos : null;
        string? after = (bool?)config["add_eos_token"] is true ? names.Eos : null;
        if (isRoberta)
            tokenizer["post_processor"] = Roberta(names, vocab);
        else if (before is not null || after is not null)
            tokenizer["post_processor"] = TokenizerWriter.Template(before, after, name => (int)vocab[name]!);
    }

    /// <summary>Cuts around what a pattern finds.</summary>
    public static JsonObject Split(string pattern) => new()
    {
        ["type"] = "Split",
        ["pattern"] = new JsonObject { ["Regex"] = pattern },
        ["behavior"] = "Isolated",
        ["invert"] = false,
    };

    private static JsonObject Roberta(SpecialTokenNames names, JsonObject vocab)
    {
        return new JsonObject
        {
            ["type"] = "RobertaProcessing",
            ["sep"] = Pair(names.Eos ?? "</s>"),
            ["cls"] = Pair(names.Bos ?? "<s>"),
            ["trim_offsets"] = true,
            ["add_prefix_space"] = true,
        };

        JsonArray Pair(string name)
            => new(name, (int?)vocab[name] ?? throw new FormatException($"the special token \"{name}\" is not in the vocabulary"));
    }

    private static List<(string Left, string Right)> ReadMerges(string text)
    {
        var merges = new List<(string, string)>();
        foreach (string line in text.Split('\n').Select(line => line.TrimEnd('\r')))
        {
            if (line.Length == 0 || line.StartsWith("#version", StringComparison.Ordinal))
                continue;
            if (line.Split(' ') is not [string left, string right])
                throw new FormatException(
                    $"{TokenizerFiles.Merges} has the line \"{line}\"; two tokens with one blank between them are needed.");
            merges.Add((left, right));
        }
        return merges;
    }

    // added_tokens_decoder of the configuration, added_tokens.json, and the special tokens themselves
    private static JsonArray AddedTokens(JsonObject vocab, JsonObject config, Dictionary<string, string> files, SpecialTokenNames names)
    {
        var tokens = new SortedDictionary<int, AddedToken>();
        foreach ((string key, JsonNode? token) in config["added_tokens_decoder"]?.AsObject() ?? [])
        {
            int id = int.Parse(key, CultureInfo.InvariantCulture);
            tokens[id] = token.Deserialize<AddedToken>(TokenizerWriter.Options)! with { Id = id };
        }
        JsonObject later = files.TryGetValue(TokenizerFiles.Added, out string? text) ? StrictJson.Object(text) : [];
        foreach ((string content, JsonNode? id) in later)
            tokens.TryAdd((int)id!, new AddedToken((int)id!, content, Normalized: true));
        foreach (string name in new[] { names.Bos, names.Eos, names.Unk, names.Pad }.OfType<string>().Distinct())
            if ((int?)vocab[name] is { } id)
                tokens.TryAdd(id, new AddedToken(id, name, Special: true));
        return TokenizerWriter.AddedTokens(tokens.Values);
    }
}
