using System.Text.Json;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>Reads tokenizer.json (Hugging Face tokenizers 0.x) into a <see cref="TokenizerDefinition"/>.</summary>
internal static class TokenizerJson
{
    private const int DefaultLongestWord = 100, HighestLongestWord = 1 << 20;

    /// <exception cref="InvalidDataException">Not JSON, or not what the format says.</exception>
    /// <exception cref="NotSupportedException">Another kind of tokenizer.</exception>
    public static TokenizerDefinition Read(string json, string source)
    {
        try
        {
            using JsonDocument document = StrictJson.Document(json);
            return Read(document.RootElement, source);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException
            or IndexOutOfRangeException)
        {
            throw new InvalidDataException($"{source} is not a tokenizer.json that can be read: {e.Message}", e);
        }
    }

    private static TokenizerDefinition Read(JsonElement root, string source)
    {
        JsonElement model = root.Get("model") ?? throw new InvalidDataException($"{source} has no \"model\".");
        string kind = model.Text("type") ?? (model.Get("merges") is null ? "untyped" : "BPE");
        return kind switch
        {
            "BPE" => Bpe(root, model, source),
            "WordPiece" => WordPiece(root, model, source),
            "Unigram" => Unigram(root, model, source),
            _ => throw OtherKind(source, kind),
        };
    }

    /// <summary>The exception for a tokenizer of another kind.</summary>
    public static NotSupportedException OtherKind(string source, string kind) => new(
        $"{source}: {kind} tokenizers are not supported. Supported are byte-level BPE tokenizers "
        + "(GPT-2, GPT-NeoX, RoBERTa, OPT, Qwen2, Llama 3, Falcon, BLOOM and their like), SentencePiece's BPE (Llama 2, Mistral, Gemma) "
        + "and Unigram (T5), and WordPiece (BERT).");

    /// <summary>The exception for a part of tokenizer.json that is not known.</summary>
    public static NotSupportedException Unsupported(string source, string part, string? type, string supported)
        => new($"{source}: the {part} {type ?? "without a type"} is not supported. Supported are {supported}.");

    private static TokenizerDefinition Bpe(JsonElement root, JsonElement model, string source)
    {
        foreach (string affix in new[] { "continuing_subword_prefix", "end_of_word_suffix" })
            if (model.Text(affix) is { Length: > 0 } text)
                throw OtherKind(source, $"BPE with {affix} \"{text}\"");
        if (model.Get("dropout") is { } dropout && dropout.GetDouble() > 0)
            throw OtherKind(source, "BPE with dropout");
        Dictionary<string, int> vocabulary = VocabularyJson.Read(model.GetProperty("vocab"), source);
        List<(string, string)> merges = VocabularyJson.ReadMerges(model.GetProperty("merges"), vocabulary, source);
        string? unknown = model.Text("unk_token");
        if (unknown is not null && !vocabulary.ContainsKey(unknown))
            throw new InvalidDataException($"{source}: the unk_token \"{unknown}\" of the model is not in its vocabulary.");
        TokenizerDefinition definition = Parts(root, vocabulary, PreTokenizerJson.Read(root.Get("pre_tokenizer"), source), source) with
        {
            Merges = merges,
            UnknownToken = unknown,
            FusesUnknown = model.Flag("fuse_unk"),
            IgnoresMerges = model.Flag("ignore_merges"),
        };
        if (definition.PreTokenizer.IsByteLevel)
            return model.Flag("byte_fallback") ? throw OtherKind(source, "byte-level BPE with byte_fallback") : definition;
        int? unknownId = unknown is null ? null : vocabulary[unknown];
        return definition with
        {
            Words = new MergeModel(
                vocabulary, merges, unknownId, definition.FusesUnknown, model.Flag("byte_fallback"), definition.IgnoresMerges),
        };
    }

    private static TokenizerDefinition WordPiece(JsonElement root, JsonElement model, string source)
    {
        Dictionary<string, int> vocabulary = VocabularyJson.Read(model.GetProperty("vocab"), source);
        string unknown = model.Text("unk_token") ?? "[UNK]";
        if (!vocabulary.ContainsKey(unknown))
            throw new InvalidDataException($"{source}: the unk_token \"{unknown}\" of the model is not in its vocabulary.");
        if (vocabulary.Keys.FirstOrDefault(token => token.AsSpan().IndexOfAny('\r', '\n', '\uFEFF') >= 0) is { } broken)
            throw OtherKind(source, $"WordPiece with a line end or byte order mark in a token (id {vocabulary[broken]})");
        int longest = model.Get("max_input_chars_per_word")?.GetInt32() ?? DefaultLongestWord;
        if (longest is < 1 or > HighestLongestWord)
            throw new InvalidDataException(
                $"{source}: max_input_chars_per_word is {longest}; it must be at least 1 and at most {HighestLongestWord}.");
        PreTokenizerDefinition preTokenizer = NotByteLevel(root, "WordPiece", source);
        TokenizerDefinition definition = Parts(root, vocabulary, preTokenizer, source) with { UnknownToken = unknown };
        string prefix = model.Text("continuing_subword_prefix") ?? "##";
        return definition with { Words = new WordPieceModel(definition, prefix, longest) };
    }

    private static TokenizerDefinition Unigram(JsonElement root, JsonElement model, string source)
    {
        (Dictionary<string, int> vocabulary, double[] scores) = VocabularyJson.ReadScored(model.GetProperty("vocab"), source);
        int unknown = model.Get("unk_id")?.GetInt32() ?? -1;
        if (unknown < 0 || unknown >= scores.Length)
            throw new InvalidDataException($"{source}: the unk_id of the model is {(unknown < 0 ? "absent or negative" : unknown)}; "
                + $"the number of one of its {scores.Length} tokens is needed.");
        TokenizerDefinition definition = Parts(root, vocabulary, NotByteLevel(root, "Unigram", source), source);
        IEnumerable<string> special = definition.AddedTokens.Where(token => token.Special).Select(token => token.Content);
        bool isSingle = model.Flag(UnigramModel.SinglePrecision);
        return definition with
        {
            Words = new UnigramModel(vocabulary, scores, unknown, special, model.Flag("byte_fallback"), isSingle),
        };
    }

    private static PreTokenizerDefinition NotByteLevel(JsonElement root, string kind, string source)
    {
        PreTokenizerDefinition preTokenizer = PreTokenizerJson.Read(root.Get("pre_tokenizer"), source);
        return preTokenizer.IsByteLevel ? throw OtherKind(source, $"{kind} with a ByteLevel pre-tokenizer") : preTokenizer;
    }

    private static TokenizerDefinition Parts(
        JsonElement root, Dictionary<string, int> vocabulary, PreTokenizerDefinition preTokenizer, string source)
    {
        List<AddedToken> added = VocabularyJson.ReadAddedTokens(root.Get("added_tokens"), vocabulary, source);
        TokenTemplate template = TemplateJson.Read(root.Get("post_processor"), source);
        int highest = VocabularyJson.HighestIdOf(vocabulary, added, source);
        foreach (int id in template.Ids)
            if (id < 0 || id > highest)
                throw new InvalidDataException($"{source}: the post-processor adds the id {id}; ids of tokens are 0 to {highest}.");
        return new TokenizerDefinition
        {
            Vocab = vocabulary,
            AddedTokens = added,
            Normalizer = NormalizerJson.Read(root.Get("normalizer"), source),
            PreTokenizer = preTokenizer,
            Template = template,
            Decoders = DecoderJson.Read(root.Get("decoder"), preTokenizer.IsByteLevel, source),
        };
    }
}

/// <summary>Members that may be absent or null.</summary>
internal static class JsonElements
{
    public static JsonElement? Get(this JsonElement element, string name)
        => element.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null ? value : null;

    public static string? Text(this JsonElement element, string name) => element.Get(name)?.GetString();

    public static bool Flag(this JsonElement element, string name, bool absent = false) => element.Get(name)?.GetBoolean() ?? absent;
}
