using System.Text.Json;
using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>Makes the tokenizer.json that BERT's vocab.txt stands for, as transformers does when it loads one.</summary>
internal static class WordPieceVocabulary
{
    private const string Unknown = "[UNK]", Padding = "[PAD]", Begin = "[CLS]", End = "[SEP]", Mask = "[MASK]", Prefix = "##";
    private const int LongestWord = 100;

    /// <summary>Adds tokenizer.json and, where there is none, a tokenizer_config.json with BERT's special tokens.</summary>
    public static void Complete(Dictionary<string, string> files, string source)
    {
        try
        {
            JsonObject vocab = Read(files[TokenizerFiles.WordPiece], source);
            SpecialTokenNames names = SpecialTokenNames.Read(files, source);
            names = names with { Unk = names.Unk ?? Unknown, Pad = names.Pad ?? (vocab.ContainsKey(Padding) ? Padding : null) };
            files.TryAdd(TokenizerFiles.Config, TokenizerWriter.Config(names));
            JsonObject config = StrictJson.Object(files[TokenizerFiles.Config]);
            files[TokenizerFiles.Tokenizer] = Tokenizer(vocab, config, names.Unk!, source).ToJsonString(TokenizerWriter.Options);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException or NullReferenceException)
        {
            throw new InvalidDataException($"{TokenizerFiles.Config} of {source} cannot be read: {e.Message}", e);
        }
    }

    // A line per token, in the order of the ids.
    private static JsonObject Read(string text, string source)
    {
        var vocab = new JsonObject();
        int id = 0;
        foreach (string token in text.TrimEnd('\n', '\r').Split('\n').Select(line => line.TrimEnd('\r')))
        {
            if (token.Length > 0)
                vocab[token] = id; // of a token that is listed twice the last place counts
            id++;
        }
        return vocab.Count > 0 ? vocab : throw new InvalidDataException($"{TokenizerFiles.WordPiece} of {source} is empty.");
    }

    private static JsonObject Tokenizer(JsonObject vocab, JsonObject config, string unknown, string source)
    {
        string kind = ((string?)config["tokenizer_class"] ?? "BertTokenizer").Replace("Fast", "", StringComparison.Ordinal);
        if (kind is not ("BertTokenizer" or "DistilBertTokenizer" or "ElectraTokenizer" or "PreTrainedTokenizer"))
            throw TokenizerJson.OtherKind(source, $"{kind} without {TokenizerFiles.Tokenizer}");
        string begin = Name("cls_token", Begin), end = Name("sep_token", End);
        string[] special = [Name("pad_token", Padding), unknown, begin, end, Name("mask_token", Mask)];
        return new JsonObject
        {
            ["version"] = "1.0",
            ["truncation"] = null,
            ["padding"] = null,
            ["added_tokens"] = TokenizerWriter.AddedTokens(special.Distinct().Where(vocab.ContainsKey)
                .Select(name => new AddedToken((int)vocab[name]!, name, Special: true)).OrderBy(token => token.Id)),
            ["normalizer"] = new JsonObject
            {
                ["type"] = "BertNormalizer",
                ["clean_text"] = true,
                ["handle_chinese_chars"] = (bool?)config["tokenize_chinese_chars"] ?? true,
                ["strip_accents"] = (bool?)config["strip_accents"],
                ["lowercase"] = (bool?)config["do_lower_case"] ?? true,
            },
            ["pre_tokenizer"] = new JsonObject { ["type"] = "BertPreTokenizer" },
            ["post_processor"] = vocab.ContainsKey(begin) && vocab.ContainsKey(end) ? Template(vocab, begin, end) : null,
            ["decoder"] = new JsonObject { ["type"] = "WordPiece", ["prefix"] = Prefix, ["cleanup"] = true },
            ["model"] = new JsonObject
            {
                ["type"] = "WordPiece",
                ["unk_token"] = unknown,
                ["continuing_subword_prefix"] = Prefix,
                ["max_input_chars_per_word"] = LongestWord,
                ["vocab"] = vocab.DeepClone(),
            },
        };

        string Name(string role, string usual) => config[role] switch
        {
            JsonObject token => (string?)token["content"] ?? usual,
            { } name => (string)name!,
            null => usual,
        };
    }

    // [CLS] a [SEP] b [SEP]
    private static JsonObject Template(JsonObject vocab, string begin, string end)
    {
        return new JsonObject { ["type"] = "BertProcessing", ["sep"] = Pair(end), ["cls"] = Pair(begin) };

        JsonArray Pair(string name) => new(name, (int)vocab[name]!);
    }
}
