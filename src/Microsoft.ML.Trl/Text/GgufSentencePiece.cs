using System.Globalization;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Text;

/// <summary>
/// SentencePiece's BPE in the metadata of a GGUF file, llama.cpp's kind llama: tokens with a score each, of which the best is merged first.
/// </summary>
internal static class GgufSentencePiece
{
    public const string Kind = "llama";
    private const string Scores = "tokenizer.ggml.scores", AddsPrefix = "tokenizer.ggml.add_space_prefix", Cut = "tokenizer.ggml.pre";
    private const string Blank = "▁", DefaultCut = "default";

    /// <summary>The files that the tokenizer of a file stands for.</summary>
    /// <param name="data">Has a score for each token.</param>
    /// <param name="tokens">In the order of their ids.</param>
    /// <param name="types">As many.</param>
    /// <param name="unknown">Id of the unknown token, where none has its type.</param>
    /// <param name="config">tokenizer_config.json.</param>
    /// <exception cref="InvalidDataException">The metadata contradict themselves.</exception>
    public static Dictionary<string, string> Read(GgufMetadata data, string[] tokens, long[] types, int? unknown, JsonObject config)
    {
        double[] scores = data.Reals(Scores) ?? throw GgufTokenizer.Wrong(data, $"has no {Scores}");
        if (scores.Length != tokens.Length)
            throw GgufTokenizer.Wrong(data, $"has {tokens.Length} tokens, but {scores.Length} scores");
        bool knowsUnknown = types.Contains((long)PieceType.Unknown);
        PieceType Type(int id) => !knowsUnknown && id == unknown ? PieceType.Unknown
            : types[id] is >= 1 and <= 6 and long type ? (PieceType)type
            : 0;
        string source = $"The tokenizer in '{data.Source}'";
        SentencePieceModel model = SentencePieceModel.Of(
            [.. tokens.Select((token, id) => (token, (float)scores[id], Type(id)))], data.Flag(AddsPrefix) ?? true, source);
        var files = new Dictionary<string, string> { [TokenizerFiles.Config] = config.ToJsonString(TokenizerWriter.Indented) };
        SentencePieceJson.Complete(files, model, source);
        return files;
    }

    /// <summary>The metadata of a tokenizer. The score of a token is how early the merges make it.</summary>
    /// <param name="json">tokenizer.json.</param>
    /// <param name="size">Rows of the model's embedding: tokens that are missing are filled up.</param>
    /// <exception cref="NotSupportedException">llama.cpp would give other tokens; the message says why.</exception>
    public static IEnumerable<KeyValuePair<string, object>> Write(JsonObject json, int size)
    {
        bool addsPrefix = TakesPrefix(json);
        (string Text, float Score, PieceType Type)[] pieces = Pieces(json, size);
        CheckMerges(json, pieces, addsPrefix);
        return
        [
            new(GgufTokenizer.Kind, Kind),
            new(Cut, DefaultCut),
            new(GgufTokenizer.Tokens, pieces.Select(piece => piece.Text).ToArray()),
            new(Scores, pieces.Select(piece => piece.Score).ToArray()),
            new(GgufTokenizer.Types, pieces.Select(piece => (int)piece.Type).ToArray()),
            new(AddsPrefix, addsPrefix),
        ];
    }

    /// <summary>Whether a blank is put in front of texts; fails where texts are changed in another way.</summary>
    private static bool TakesPrefix(JsonObject json)
    {
        JsonNode?[] steps = json["normalizer"] switch
        {
            JsonObject one when (string?)one["type"] == "Sequence" => [.. one["normalizers"]!.AsArray()],
            { } one => [one],
            null => [],
        };
        bool prepends = steps.Length == 2 && JsonNode.DeepEquals(steps[0], new JsonObject { ["type"] = "Prepend", ["prepend"] = Blank });
        JsonObject blanks = TokenizerWriter.Replace(" ", Blank);
        if (steps.Length != (prepends ? 2 : 1) || !JsonNode.DeepEquals(steps[^1], blanks))
            throw Unwritable("it changes texts in other ways than by writing blanks as ▁, perhaps with one in front");
        // a cut at blanks, of which none are left, does nothing
        if (json["pre_tokenizer"] is JsonObject cut && !((string?)cut["type"] == "Split" && (string?)cut["pattern"]?["String"] == " "))
            throw Unwritable($"it cuts texts by a pre-tokenizer ({(string?)cut["type"]})");
        return prepends;
    }

    private static (string Text, float Score, PieceType Type)[] Pieces(JsonObject json, int size)
    {
        JsonObject model = json["model"]!.AsObject();
        (string, float, PieceType)[] pieces =
            [.. Enumerable.Range(0, size).Select(id => ($"[PAD{id}]", 0f, PieceType.Unused))];
        Dictionary<string, int> ranks = [];
        foreach (JsonNode? merge in model["merges"]!.AsArray())
            ranks.TryAdd(string.Concat(GgufTokenizer.Merge(merge).Split(' ')), ranks.Count + 1);
        foreach ((string token, JsonNode? id) in model["vocab"]!.AsObject())
            pieces[(int)id!] = (token, -ranks.GetValueOrDefault(token), IsByte(token) ? PieceType.Byte : PieceType.Normal);
        foreach (JsonNode? added in json["added_tokens"]?.AsArray() ?? [])
            pieces[(int)added!["id"]!] =
                ((string)added["content"]!, 0, (bool?)added["special"] is true ? PieceType.Control : PieceType.UserDefined);
        string? unknown = (string?)model["unk_token"];
        if (unknown is null || Array.FindIndex(pieces, piece => piece.Item1 == unknown) is not (>= 0 and int at))
            throw Unwritable("it has no unknown token (unk_token)");
        pieces[at] = (unknown, 0, PieceType.Unknown);
        return pieces;
    }

    /// <summary>SentencePiece merges any two tokens that make a third, the best score first: the tokenizer must do so too.</summary>
    private static void CheckMerges(JsonObject json, (string Text, float Score, PieceType Type)[] pieces, bool addsPrefix)
    {
        SentencePieceModel model = SentencePieceModel.Of(pieces, addsPrefix, "The tokenizer");
        string[] theirs = [.. SentencePieceJson.Merges(model, SentencePieceJson.Vocabulary(model, "The tokenizer"))
            .Select(merge => $"{merge.Left} {merge.Right}")];
        string[] ours = [.. json["model"]!["merges"]!.AsArray().Select(GgufTokenizer.Merge)];
        if (theirs.Except(ours).FirstOrDefault() is { } more)
            throw Unwritable($"llama.cpp would merge '{more}', which it does not");
        if (ours.Except(theirs).FirstOrDefault() is { } less)
            throw Unwritable($"llama.cpp would not merge '{less}'");
        if (!Made(ours).SequenceEqual(Made(theirs)))
            throw Unwritable("its merges are not in an order that one score for each token gives");

        static IEnumerable<string> Made(string[] merges)
        {
            string last = "";
            foreach (string made in merges.Select(merge => merge.Replace(" ", "", StringComparison.Ordinal)))
            {
                if (made != last)
                    yield return made;
                last = made;
            }
        }
    }

    private static bool IsByte(string token) => token is ['<', '0', 'x', _, _, '>']
        && byte.TryParse(token.AsSpan(3, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out _);

    private static NotSupportedException Unwritable(string reason) => new(
        $"The tokenizer cannot be written to GGUF as SentencePiece: {reason}. Save a folder and convert it with llama.cpp's "
        + "convert_hf_to_gguf.py.");
}
