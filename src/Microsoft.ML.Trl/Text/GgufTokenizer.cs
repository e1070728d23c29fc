using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Text;

/// <summary>
/// The tokenizer in a GGUF file's metadata: the kinds that llama.cpp calls gpt2, byte-level BPE, and llama, SentencePiece's BPE. Others are
/// refused.
/// </summary>
internal static class GgufTokenizer
{
    public const string Kind = "tokenizer.ggml.model", Tokens = "tokenizer.ggml.tokens", Types = "tokenizer.ggml.token_type";
    private const string Cut = "tokenizer.ggml.pre", Merges = "tokenizer.ggml.merges";
    private const string UnknownKey = "tokenizer.ggml.unknown_token_id";
    private const string AddsBos = "tokenizer.ggml.add_bos_token", AddsEos = "tokenizer.ggml.add_eos_token";
    private const string Template = "tokenizer.chat_template", ByteLevelBpe = "gpt2";
    private const int Normal = 1, Control = 3, UserDefined = 4, Unused = 5;

    private const string Words = @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|", Rest =
        @"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

    /// <summary>The cuts before merges, by llama.cpp's names for them; the first name of a cut is the one that is written.</summary>
    private static readonly Cuts[] Known =
    [
        new(["gpt-2", "default"], null, HasNfc: false, IgnoresMerges: false),
        new(["llama-bpe", "llama3", "llama-v3"], Words + @"\p{N}{1,3}" + Rest, HasNfc: false, IgnoresMerges: true),
        new(["qwen2"], Words + @"\p{N}" + Rest, HasNfc: true, IgnoresMerges: false),
    ];

    /// <summary>Makes the tokenizer of a file.</summary>
    /// <exception cref="InvalidDataException">The metadata contradict themselves.</exception>
    /// <exception cref="NotSupportedException">It is of another kind; the message says what to do.</exception>
    public static TextTokenizer Read(GgufMetadata data)
    {
        string kind = data.Text(Kind) ?? "absent";
        if (kind is not (ByteLevelBpe or GgufSentencePiece.Kind))
            throw new NotSupportedException(
                $"The tokenizer in '{data.Source}' is '{kind}'; only '{ByteLevelBpe}' and '{GgufSentencePiece.Kind}' are read from GGUF. "
                + "Give the tokenizer of the same model: TextTokenizer.Load(folder).");
        string[] tokens = data.Texts(Tokens) ?? throw Wrong(data, $"has no {Tokens}");
        long[] types = data.Numbers(Types) ?? [.. Enumerable.Repeat((long)Normal, tokens.Length)];
        if (types.Length != tokens.Length)
            throw Wrong(data, $"has {tokens.Length} tokens, but {types.Length} types of tokens");
        string? Named(string key) => data.Integer(key) is not { } id ? null
            : id < tokens.Length ? tokens[id] : throw Wrong(data, $"has {tokens.Length} tokens, but {key} is {id}");
        SpecialTokenNames names = new(Named(GgufConfig.BosKey), Named(GgufConfig.EosKey), Named(GgufConfig.PadKey), Named(UnknownKey));
        JsonObject config = StrictJson.Object(TokenizerWriter.Config(names));
        if (data.Text(Template) is { } template)
            config["chat_template"] = template;
        if (kind == GgufSentencePiece.Kind)
        {
            (config["add_bos_token"], config["add_eos_token"]) = (data.Flag(AddsBos) ?? true, data.Flag(AddsEos) ?? false);
            return TextTokenizer.FromFiles(GgufSentencePiece.Read(data, tokens, types, data.Integer(UnknownKey), config));
        }
        JsonObject json = Json(data, FindCuts(data), tokens, types, data.Texts(Merges) ?? throw Wrong(data, $"has no {Merges}"));
        string? before = data.Flag(AddsBos) is true ? names.Bos : null, after = data.Flag(AddsEos) is true ? names.Eos : null;
        if (before is not null || after is not null)
            json["post_processor"] = TokenizerWriter.Template(before, after, token => Array.IndexOf(tokens, token));
        return TextTokenizer.FromFiles(new Dictionary<string, string>
        {
            [TokenizerFiles.Tokenizer] = json.ToJsonString(TokenizerWriter.Options),
            [TokenizerFiles.Config] = config.ToJsonString(TokenizerWriter.Indented),
        });
    }

    private static Cuts FindCuts(GgufMetadata data)
    {
        string name = data.Text(Cut) ?? "default";
        return Array.Find(Known, cuts => cuts.Names.Contains(name)) ?? throw new NotSupportedException(
            $"The tokenizer in '{data.Source}' cuts texts by '{name}'; read are {string.Join(", ", Known.SelectMany(cuts => cuts.Names))}. "
            + "Give the tokenizer of the same model: TextTokenizer.Load(folder).");
    }

    /// <summary>The metadata of a tokenizer.</summary>
    /// <param name="tokenizer">Byte-level BPE with one of the cuts that llama.cpp knows, or SentencePiece's BPE.</param>
    /// <param name="size">Rows of the model's embedding: tokens that are missing are filled up.</param>
    /// <exception cref="NotSupportedException">It is another one.</exception>
    public static IEnumerable<KeyValuePair<string, object>> Write(TextTokenizer tokenizer, int size)
    {
        JsonObject json = StrictJson.Object(tokenizer.Files()[TokenizerFiles.Tokenizer]);
        bool isSentencePiece = (string?)json["model"]!["type"] == "BPE" && (bool?)json["model"]!["byte_fallback"] is true;
        return [.. isSentencePiece ? GgufSentencePiece.Write(json, size) : WriteByteLevel(json, size), .. WriteSpecial(tokenizer)];
    }

    private static IEnumerable<KeyValuePair<string, object>> WriteByteLevel(JsonObject json, int size)
    {
        JsonObject model = json["model"]!.AsObject();
        Cuts cuts = Array.Find(Known, cuts => cuts.Fit(json)) ?? throw new NotSupportedException(
            "The tokenizer cannot be written to GGUF: llama.cpp has names for ways to cut texts, and of these the ones of GPT-2, LLaMA 3 "
            + "and Qwen 2 are known here. Save a folder and convert it with llama.cpp's convert_hf_to_gguf.py.");
        string[] tokens = [.. Enumerable.Range(0, size).Select(id => $"[PAD{id}]")];
        int[] types = [.. Enumerable.Repeat(Unused, size)];
        foreach ((string token, JsonNode? id) in model["vocab"]!.AsObject())
            (tokens[(int)id!], types[(int)id!]) = (token, Normal);
        foreach (JsonNode? added in json["added_tokens"]?.AsArray() ?? [])
            (tokens[(int)added!["id"]!], types[(int)added["id"]!]) =
                ((string)added["content"]!, (bool?)added["special"] is true ? Control : UserDefined);
        yield return new(Kind, ByteLevelBpe);
        yield return new(Cut, cuts.Names[0]);
        yield return new(Tokens, tokens);
        yield return new(Types, types);
        yield return new(Merges, model["merges"]!.AsArray().Select(Merge).ToArray());
    }

    /// <summary>Begin, end, padding and unknown tokens, whether texts get them, and the chat template.</summary>
    private static IEnumerable<KeyValuePair<string, object>> WriteSpecial(TextTokenizer tokenizer)
    {
        foreach ((string key, int? id) in new[]
        {
            (GgufConfig.BosKey, tokenizer.BosTokenId), (GgufConfig.EosKey, tokenizer.EosTokenId), (GgufConfig.PadKey, tokenizer.PadTokenId),
            (UnknownKey, tokenizer.UnknownTokenId),
        })
            if (id is { } number)
                yield return new(key, (uint)number);
        int[] around = tokenizer.Encode("", addSpecialTokens: true);
        yield return new(AddsBos, around is [int first, ..] && first == tokenizer.BosTokenId);
        yield return new(AddsEos, around is [.., int last] && last == tokenizer.EosTokenId && around.Length > 1);
        JsonNode config = JsonNode.Parse(tokenizer.Files()[TokenizerFiles.Config])!;
        if (config["chat_template"] is JsonValue template && template.TryGetValue(out string? text))
            yield return new(Template, text);
    }

    /// <summary>A merge as "left right".</summary>
    public static string Merge(JsonNode? merge) => merge is JsonArray pair ? $"{(string)pair[0]!} {(string)pair[1]!}" : (string)merge!;

    private static JsonObject Json(GgufMetadata data, Cuts cuts, string[] tokens, long[] types, string[] merges)
    {
        JsonObject vocabulary = [];
        List<AddedToken> added = [];
        for (int id = 0; id < tokens.Length; id++)
            if (types[id] is Control or UserDefined)
                added.Add(new AddedToken(id, tokens[id], Special: types[id] == Control));
            else if (types[id] != Unused && !vocabulary.TryAdd(tokens[id], id))
                throw Wrong(data, $"has the token '{tokens[id]}' twice");
        JsonObject model = TokenizerWriter.Model(vocabulary, merges.Select(merge => merge.Split(' ') is [string left, string right]
            ? (left, right)
            : throw Wrong(data, $"has the merge '{merge}' instead of two tokens with a blank between them")));
        model["ignore_merges"] = cuts.IgnoresMerges;
        JsonObject json = TokenizerWriter.Gpt2(model, TokenizerWriter.AddedTokens(added));
        if (cuts.Pattern is { } pattern)
            json["pre_tokenizer"] = Cuts.Sequence(pattern);
        if (cuts.HasNfc)
            json["normalizer"] = new JsonObject { ["type"] = "NFC" };
        return json;
    }

    public static InvalidDataException Wrong(GgufMetadata data, string problem) => new(
        $"The tokenizer in '{data.Source}' {problem}. Convert the model again, or give its tokenizer: TextTokenizer.Load(folder).");

    /// <summary>How a text is cut before merges.</summary>
    /// <param name="Names">llama.cpp's names.</param>
    /// <param name="Pattern">The pattern of the pieces; null = GPT-2's.</param>
    /// <param name="HasNfc">Whether texts are normalized first.</param>
    /// <param name="IgnoresMerges">Whether pieces of the vocabulary stay whole.</param>
    private sealed record Cuts(string[] Names, string? Pattern, bool HasNfc, bool IgnoresMerges)
    {
        public static JsonObject Sequence(string pattern)
        {
            var expression = new JsonObject { ["Regex"] = pattern };
            var split = new JsonObject
            {
                ["type"] = "Split",
                ["pattern"] = expression,
                ["behavior"] = "Isolated",
                ["invert"] = false,
            };
            return new JsonObject
            {
                ["type"] = "Sequence",
                ["pretokenizers"] = new JsonArray(split, TokenizerWriter.ByteLevel(addsPrefixSpace: false, cuts: false)),
            };
        }

        /// <summary>Whether a tokenizer.json has it.</summary>
        public bool Fit(JsonObject json)
        {
            JsonNode expected = Pattern is { } pattern ? Sequence(pattern) : TokenizerWriter.ByteLevel(addsPrefixSpace: false);
            return Same(json["pre_tokenizer"], expected)
                && (json["normalizer"] is JsonObject normalizer ? HasNfc && (string?)normalizer["type"] == "NFC" : !HasNfc)
                && ((bool?)json["model"]!["ignore_merges"] ?? false) == IgnoresMerges;
        }

        /// <summary>Whether both have the same values, apart from how offsets are counted.</summary>
        private static bool Same(JsonNode? one, JsonNode other) => JsonNode.DeepEquals(Plain(one), Plain(other));

        private static JsonNode? Plain(JsonNode? node)
        {
            JsonNode? copy = node?.DeepClone();
            foreach (JsonNode? step in copy?["pretokenizers"] is JsonArray steps ? steps : new JsonArray(copy?.DeepClone()))
                (step as JsonObject)?.Remove("trim_offsets");
            (copy as JsonObject)?.Remove("trim_offsets");
            return copy;
        }
    }
}
