using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>
/// Makes the tokenizer.json that a SentencePiece model stands for. Ids and texts are those of the SentencePiece library; what that has
/// no notion of (special tokens written in a text, begin and end tokens) is as transformers does it when it converts such a model.
/// </summary>
internal static class SentencePieceJson
{
    private const string Blank = "▁";
    private const int T5Sentinels = 100;

    private static readonly string[] BpeClasses = ["LlamaTokenizer", "GemmaTokenizer", "PreTrainedTokenizer"];
    private static readonly string[] UnigramClasses = ["T5Tokenizer", "PreTrainedTokenizer"];

    /// <summary>Adds tokenizer.json and, where nothing names special tokens, a tokenizer_config.json with the model's.</summary>
    public static void Complete(Dictionary<string, string> files, byte[] bytes, string source) =>
        Complete(files, SentencePieceModel.Read(bytes, source), source);

    /// <summary>The same of a model that was read already.</summary>
    public static void Complete(Dictionary<string, string> files, SentencePieceModel model, string source)
    {
        bool isBpe = model.Algorithm == SentencePieceModel.Bpe;
        if (!isBpe && model.Algorithm != SentencePieceModel.Unigram)
            throw TokenizerJson.OtherKind(source, $"SentencePiece (kind {model.Algorithm}, a word or character model)");
        if (model.BlanksAreSuffixes || !model.EscapesBlanks)
            throw TokenizerJson.OtherKind(source, "SentencePiece with treat_whitespace_as_suffix or without escape_whitespaces");
        try
        {
            JsonObject config = files.TryGetValue(TokenizerFiles.Config, out string? text) ? StrictJson.Object(text) : [];
            string kind = ((string?)config["tokenizer_class"] ?? "PreTrainedTokenizer").Replace("Fast", "", StringComparison.Ordinal);
            if (!(isBpe ? BpeClasses : UnigramClasses).Contains(kind))
                throw TokenizerJson.OtherKind(source, $"{kind} without {TokenizerFiles.Tokenizer}");
            SpecialTokenNames names = Names(SpecialTokenNames.Read(files, source), model);
            files.TryAdd(TokenizerFiles.Config, TokenizerWriter.Config(names));
            files.TryAdd(TokenizerFiles.SpecialTokens, TokenizerWriter.SpecialTokens(names));
            files[TokenizerFiles.Tokenizer] = Tokenizer(model, config, kind, names, source).ToJsonString(TokenizerWriter.Options);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or NullReferenceException)
        {
            throw new InvalidDataException($"{TokenizerFiles.Config} of {source} cannot be read: {e.Message}", e);
        }
    }

    private static JsonObject Tokenizer(SentencePieceModel model, JsonObject config, string kind, SpecialTokenNames names, string source)
    {
        bool isBpe = model.Algorithm == SentencePieceModel.Bpe;
        Dictionary<string, int> vocab = Vocabulary(model, source);
        List<AddedToken> added = AddedTokens(model, config, kind == "T5Tokenizer");
        string? before = (bool?)config["add_bos_token"] ?? isBpe ? names.Bos : null;
        string? after = (bool?)config["add_eos_token"] ?? !isBpe ? names.Eos : null;
        bool onlyFirst = (bool?)config["legacy"] is false;
        JsonObject metaspace = new()
        {
            ["type"] = "Metaspace",
            ["replacement"] = Blank,
            ["prepend_scheme"] = "first",
            ["split"] = false,
        };
        return new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = TokenizerWriter.AddedTokens(added),
            ["normalizer"] = Normalizer(model, prepends: model.AddsDummyPrefix && !onlyFirst),
            ["pre_tokenizer"] = model.AddsDummyPrefix && onlyFirst ? metaspace : null,
            ["post_processor"] = before is null && after is null ? null : TokenizerWriter.Template(
                before, after, name => added.FirstOrDefault(token => token.Content == name)?.Id ?? vocab[name]),
            ["decoder"] = DecoderParts(model),
            ["model"] = isBpe ? MergedModel(model, vocab) : ScoredModel(model),
        };
    }

    // What the configuration does not name the model may: its begin, end, padding and unknown token.
    private static SpecialTokenNames Names(SpecialTokenNames given, SentencePieceModel model)
    {
        return new SpecialTokenNames(
            given.Bos ?? Piece(model.Special.Begin), given.Eos ?? Piece(model.Special.End), given.Pad ?? Piece(model.Special.Padding),
            given.Unk ?? model.Pieces.First(piece => piece.Type == PieceType.Unknown).Text);

        string? Piece(int id)
            => id >= 0 && id < model.Pieces.Count && model.Pieces[id].Type == PieceType.Control ? model.Pieces[id].Text : null;
    }

    /// <summary>Ids of tokens.</summary>
    /// <exception cref="InvalidDataException">Two are the same.</exception>
    public static Dictionary<string, int> Vocabulary(SentencePieceModel model, string source)
    {
        var vocab = new Dictionary<string, int>();
        for (int id = 0; id < model.Pieces.Count; id++)
            if (model.Pieces[id] is var (text, _, type) && !(model.OmitsUnused && type == PieceType.Unused) && !vocab.TryAdd(text, id))
                throw new InvalidDataException($"{source}: the token \"{text}\" is there twice, as {vocab[text]} and as {id}.");
        return vocab;
    }

    private static List<AddedToken> AddedTokens(SentencePieceModel model, JsonObject config, bool isT5)
    {
        var tokens = new SortedDictionary<int, AddedToken>();
        for (int id = 0; id < model.Pieces.Count; id++)
            if (model.Pieces[id].Type is PieceType.Unknown or PieceType.Control or PieceType.UserDefined)
                tokens[id] = new AddedToken(id, model.Pieces[id].Text, Special: model.Pieces[id].Type != PieceType.UserDefined);
        JsonObject? listed = config["added_tokens_decoder"]?.AsObject();
        foreach ((string key, JsonNode? token) in listed ?? [])
        {
            int id = int.Parse(key, CultureInfo.InvariantCulture);
            tokens[id] = token.Deserialize<AddedToken>(TokenizerWriter.Options)! with { Id = id };
        }
        int sentinels = listed is null && isT5 ? Math.Clamp((int?)config["extra_ids"] ?? T5Sentinels, 0, ushort.MaxValue) : 0;
        for (int i = 0; i < sentinels; i++) // the last number comes first
            tokens[model.Pieces.Count + i] = new AddedToken(model.Pieces.Count + i, $"<extra_id_{sentinels - 1 - i}>", Special: true);
        return [.. tokens.Values];
    }

    private static JsonObject Normalizer(SentencePieceModel model, bool prepends)
    {
        List<JsonObject> steps = [];
        if (model.CharsMap.Length > 0)
            steps.Add(new() { ["type"] = "Precompiled", ["precompiled_charsmap"] = Convert.ToBase64String(model.CharsMap) });
        if (model.RemovesExtraBlanks) // at the end also the letter for a blank
            steps.AddRange(
                TokenizerWriter.Replace(@"\A +|[ ▁]+\z", "", isPattern: true), TokenizerWriter.Replace(" {2,}", " ", isPattern: true));
        if (prepends)
            steps.Add(new() { ["type"] = "Prepend", ["prepend"] = Blank });
        steps.Add(TokenizerWriter.Replace(" ", Blank));
        return TokenizerWriter.Sequence("normalizers", [.. steps]);
    }

    private static JsonObject DecoderParts(SentencePieceModel model)
    {
        string unknown = model.Pieces.First(piece => piece.Type == PieceType.Unknown).Text;
        List<JsonObject> steps =
        [
            TokenizerWriter.Replace(unknown, model.UnknownSurface), new() { ["type"] = "ByteFallback" }, new() { ["type"] = "Fuse" },
        ];
        if (model.AddsDummyPrefix || model.RemovesExtraBlanks)
            steps.Add(new()
            {
                ["type"] = "Strip",
                ["content"] = Blank,
                ["start"] = model.RemovesExtraBlanks ? ushort.MaxValue : 1,
                ["stop"] = 0,
            });
        steps.Add(TokenizerWriter.Replace(Blank, " "));
        return TokenizerWriter.Sequence("decoders", [.. steps]);
    }

    private static JsonObject ScoredModel(SentencePieceModel model) => new()
    {
        ["type"] = "Unigram",
        ["unk_id"] = model.Pieces.ToList().FindIndex(piece => piece.Type == PieceType.Unknown),
        ["vocab"] = new JsonArray([.. model.Pieces.Select(piece => new JsonArray(piece.Text, (double)piece.Score))]),
        ["byte_fallback"] = model.ByteFallback,
        [UnigramModel.SinglePrecision] = true, // no part of the format; Hugging Face's libraries leave it alone
    };

    private static JsonObject MergedModel(SentencePieceModel model, Dictionary<string, int> vocab)
    {
        var ids = new JsonObject();
        foreach ((string token, int id) in vocab)
            ids.Add(token, id);
        JsonObject json = TokenizerWriter.Model(ids, Merges(model, vocab));
        json["unk_token"] = model.Pieces.First(piece => piece.Type == PieceType.Unknown).Text;
        (json["fuse_unk"], json["byte_fallback"]) = (true, model.ByteFallback);
        return json;
    }

    /// <summary>Every way to make a token of two others: the best score first, then the longest left part.</summary>
    public static IEnumerable<(string Left, string Right)> Merges(SentencePieceModel model, Dictionary<string, int> vocab)
    {
        var merges = new List<(string Left, string Right, float Score)>();
        foreach ((string text, float score, PieceType type) in model.Pieces)
            for (int at = 1; type == PieceType.Normal && at < text.Length; at++)
                if (IsNormal(text[..at]) && IsNormal(text[at..]))
                    merges.Add((text[..at], text[at..], score));
        return merges.OrderByDescending(merge => merge.Score).ThenByDescending(merge => merge.Left.Length)
            .Select(merge => (merge.Left, merge.Right));

        bool IsNormal(string text) => vocab.TryGetValue(text, out int id) && model.Pieces[id].Type == PieceType.Normal;
    }
}
