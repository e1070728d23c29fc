using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Tests.TestSupport;
using Microsoft.ML.Trl.Tests.Tokenization;
using static Microsoft.ML.Trl.Tests.BadInputs.BadInput;
using static Microsoft.ML.Trl.Tests.BadInputs.Samples;

namespace Microsoft.ML.Trl.Tests.BadInputs;

/// <summary>Tokenizers: files that are damaged, texts and ids that are none, training without anything to learn from.</summary>
internal static class TokenizerInputs
{
    private const string FromFiles = "TextTokenizer.FromFiles", Load = "TextTokenizer.Load", Train = "BpeTrainer.Train";
    private const string Tiktoken = "TextTokenizer.FromTiktoken";

    private static readonly string[] Texts = ["the film was good"];

    public static IEnumerable<BadInput> All() =>
        [.. Sets(), .. Folders(), .. Damaged(), .. Unsupported(), .. Legacy(), .. Uses(), .. Training()];

    private static IEnumerable<BadInput> Sets() =>
    [
        Null(FromFiles, "files", () => TextTokenizer.FromFiles(null!)),
        Of<FileNotFoundException>(
            FromFiles, () => TextTokenizer.FromFiles(Files()), ["neither tokenizer.json nor vocab.json", "nor vocab.txt"]),
        Of<FileNotFoundException>(FromFiles, () => TextTokenizer.FromFiles(Files(("vocab.json", "{}"))), ["neither tokenizer.json"]),
        Of<FileNotFoundException>(FromFiles, () => TextTokenizer.FromFiles(Files(("merges.txt", "a b"))), ["neither tokenizer.json"]),
        Of<InvalidDataException>(FromFiles, () => TextTokenizer.FromFiles(Files(("tokenizer.json", null!))), ["tokenizer.json", "null"]),
        Config("tokenizer_config.json", """{"eos_token": "</s>"}""", "eos_token \"</s>\"", "not in the vocabulary"),
        Config("tokenizer_config.json", """{"bos_token": "<s>"}""", "bos_token \"<s>\"", "not in the vocabulary"),
        Config("tokenizer_config.json", """{"eos_token": 3}""", "tokenizer_config.json", "cannot be read"),
        Config("tokenizer_config.json", "[]", "tokenizer_config.json", "cannot be read"),
        Config("tokenizer_config.json", "", "tokenizer_config.json", "cannot be read"),
        Config("tokenizer_config.json", null, "tokenizer_config.json", "null"),
        Config("special_tokens_map.json", """{"pad_token": "[PAD]"}""", "pad_token \"[PAD]\"", "not in the vocabulary"),
        Config("special_tokens_map.json", """{"unk_token": ["?"]}""", "special_tokens_map.json", "cannot be read"),
        Config("special_tokens_map.json", "{", "special_tokens_map.json", "cannot be read"),
    ];

    private static IEnumerable<BadInput> Folders() =>
    [
        Null(Load, "folder", () => TextTokenizer.Load(null!)),
        Of<ArgumentException>(Load, () => TextTokenizer.Load(""), ["empty", "folder"]),
        Of<DirectoryNotFoundException>(Load, () => TextTokenizer.Load("/no/such/folder"), ["'/no/such/folder'", "does not exist"]),
        Folder<FileNotFoundException>([], "neither tokenizer.json, vocab.json with merges.txt", "nor vocab.txt"),
        Folder<InvalidDataException>([("tokenizer.model", "?")], "tokenizer.model' is not a SentencePiece model"),
        Folder<InvalidDataException>([("vocab.txt", "?")], "unk_token \"[UNK]\"", "not in its vocabulary"),
        Folder<InvalidDataException>([("tokenizer.json", "{\u00FF}")], "tokenizer.json' is not UTF-8 text"),
        Folder<InvalidDataException>([("tokenizer.json", "")], "tokenizer.json"),
        Folder<InvalidDataException>([("vocab.json", "{"), ("merges.txt", "")], "vocab.json and merges.txt", "cannot be read"),
    ];

    private static IEnumerable<BadInput> Damaged()
    {
        (string Place, string Value, string[] Words)[] wrong =
        [
            ("", "[]", []), ("", "null", []), ("", "3", []), ("model", "null", ["no \"model\""]), ("model", "[]", []),
            ("model.vocab", "null", []), ("model.vocab", "[]", []), ("model.vocab", "{}", ["the vocabulary is empty"]),
            ("model.vocab.a", "\"x\"", []), ("model.vocab.a", "1.5", []), ("model.vocab.a", "1", ["\"b\" the id 1", "given twice"]),
            ("model.vocab.a", "-1", ["\"a\" the id -1", "negative"]), ("model.vocab.a", "99999999", ["the id 99999999", "the highest"]),
            ("model.merges", "null", []), ("model.merges", "{}", []), ("model.merges", "[3]", []),
            ("model.merges", "[[]]", ["merge 0 is []"]),
            ("model.merges", "[\"a\"]", ["merge 0 is \"a\"", "two tokens"]), ("model.merges", "[\"a  b\"]", ["merge 0 is \"a  b\""]),
            ("model.merges", "[\"a q\"]", ["needs the token \"q\""]), ("model.merges", "[\"b a\"]", ["needs the token \"ba\""]),
            ("model.merges", "[[\"a\", null]]", ["merge 0 is"]), ("model.unk_token", "\"?\"", ["unk_token \"?\"", "not in its vocabulary"]),
            ("model.unk_token", "3", []), ("model.fuse_unk", "1", []), ("model.ignore_merges", "\"no\"", []),
            ("model.dropout", "\"x\"", []),
            ("added_tokens", "{}", []), ("added_tokens", "[null]", ["has no \"content\""]),
            ("added_tokens", "[{\"id\": 9}]", ["has no \"content\""]),
            ("added_tokens", "[{\"id\": -2, \"content\": \"<q>\"}]", ["\"<q>\" (id -2)", "a negative one"]),
            ("added_tokens", "[{\"id\": 99999999, \"content\": \"<q>\"}]", ["\"<q>\" has the id 99999999", "the highest"]),
            ("added_tokens", "[{\"content\": \"<q>\"}]", ["\"<q>\" (id -1)", "has no id"]),
            ("added_tokens", "[{\"id\": 9, \"content\": \"<q>\"}, {\"id\": 10, \"content\": \"<q>\"}]", ["\"<q>\" (id 10)", "twice"]),
            ("pre_tokenizer", "3", []), ("pre_tokenizer.use_regex", "3", []), ("normalizer", "{\"type\": 3}", []), ("decoder", "\"x\"", []),
            ("pre_tokenizer", """{"type": "Sequence"}""", []), ("pre_tokenizer", """{"type": "Split", "behavior": "Isolated"}""", []),
            ("pre_tokenizer", """{"type": "Split", "pattern": {"String": "a"}, "behavior": "Sideways"}""", ["Sideways is not known"]),
            ("post_processor", """{"type": "TemplateProcessing", "single": []}""", ["contains the text 0 times"]),
            ("post_processor", """{"type": "TemplateProcessing", "single": [{"SpecialToken": {}}]}""", ["no \"id\""]),
            ("post_processor", """{"type": "BertProcessing", "cls": ["a"], "sep": ["a", 0]}""", []),
            ("post_processor", """{"type": "RobertaProcessing", "cls": ["q", 99], "sep": ["a", 0]}""", ["99", "0 to 9"]),
            (
                "post_processor",
                """
                {"type": "TemplateProcessing", "special_tokens": {"q": {"ids": [-3]}},
                 "single": [{"SpecialToken": {"id": "q"}}, {"Sequence": {}}]}
                """,
                ["-3", "0 to 9"]
            ),
        ];
        return wrong.Select(one => Of<InvalidDataException>(
            FromFiles, () => TextTokenizer.FromFiles(Changed(one.Place, one.Value)), ["tokenizer.json", .. one.Words],
            $"{one.Place} = {one.Value}"));
    }

    private static IEnumerable<BadInput> Unsupported()
    {
        (string Place, string Value, string Kind)[] kinds =
        [
            ("model.type", "\"WordLevel\"", "WordLevel"),
            ("model.byte_fallback", "true", "byte-level BPE with byte_fallback"), ("model.dropout", "0.1", "BPE with dropout"),
            ("model.end_of_word_suffix", "\"</w>\"", "end_of_word_suffix"),
            ("pre_tokenizer", """{"type": "UnicodeScripts"}""", "UnicodeScripts"),
            ("pre_tokenizer", """{"type": "Split", "pattern": {"Regex": "(a"}}""", "\"(a\" of tokenizer.json cannot be written as"),
            ("normalizer", """{"type": "Shout"}""", "Shout"),
            ("decoder", """{"type": "CTC"}""", "CTC"), ("post_processor", """{"type": "Other"}""", "Other"),
        ];
        return kinds.Select(one => Of<NotSupportedException>(
            FromFiles, () => TextTokenizer.FromFiles(Changed(one.Place, one.Value)), [one.Kind],
            $"{one.Place} = {one.Value}"));
    }

    private static IEnumerable<BadInput> Legacy()
    {
        (string Vocabulary, string Merges, string Config, string[] Words)[] wrong =
        [
            ("{", "a b", "{}", []), ("[]", "", "{}", []), ("null", "", "{}", []), ("{}", "", "{}", ["the vocabulary is empty"]),
            ("""{"a": 0}""", "a", "{}", ["the line \"a\"", "two tokens"]), ("""{"a": 0}""", "a b", "{}", ["needs the token \"b\""]),
            ("""{"a": "x"}""", "", "{}", []), ("""{"a": 0}""", "", "[]", []), ("""{"a": 0}""", "", """{"added_tokens_decoder": []}""", []),
            ("""{"a": 0}""", "", """{"added_tokens_decoder": {"x": {"content": "q"}}}""", []),
            ("""{"a": 0}""", "", """{"tokenizer_class": 3}""", []), ("""{"a": 0}""", "", """{"add_prefix_space": "yes"}""", []),
            ("""{"a": 0}""", "", """{"tokenizer_class": "RobertaTokenizer"}""", ["the special token \"</s>\""]),
            ("""{"a": 0}""", "", """{"added_tokens_decoder": {"99999999999": {"content": "q"}}}""", []),
        ];
        return wrong.Select(one => Of<InvalidDataException>(
                FromFiles,
                () => TextTokenizer.FromFiles(Files(("vocab.json", one.Vocabulary), ("merges.txt", one.Merges),
                    ("tokenizer_config.json", one.Config))),
                ["of the given files", .. one.Words], $"vocabulary {one.Vocabulary}, merges '{one.Merges}', configuration {one.Config}"))
            .Append(Of<NotSupportedException>(
                FromFiles,
                () => TextTokenizer.FromFiles(
                    Files(("vocab.json", "{}"), ("merges.txt", ""), ("tokenizer_config.json", """{"tokenizer_class": "CLIPTokenizer"}"""))),
                ["CLIPTokenizer tokenizers are not supported"], "CLIP"));
    }

    private static IEnumerable<BadInput> Uses() =>
    [
        Null("TextTokenizer.Encode", "text", () => Tiny.Tokenizer.Encode(null!)),
        Null("TextTokenizer.EncodeOrdinary", "text", () => Tiny.Tokenizer.EncodeOrdinary(null!)),
        Null("TextTokenizer.EncodeBatch", "texts", () => Tiny.Tokenizer.EncodeBatch(null!)),
        Of<ArgumentException>("TextTokenizer.EncodeBatch", () => Tiny.Tokenizer.EncodeBatch(["a", null!]), ["One of the texts is null"]),
        Null("TextTokenizer.EncodePair", "text", () => Tiny.Tokenizer.EncodePair(null!, "a")),
        Null("TextTokenizer.EncodePair", "pair", () => Tiny.Tokenizer.EncodePair("a", null!)),
        Null(Tiktoken, "path", () => TextTokenizer.FromTiktoken(null!, "gpt2")),
        Null(Tiktoken, "encoding", () => TextTokenizer.FromTiktoken("x", null!)),
        Of<FileNotFoundException>(Tiktoken, () => TextTokenizer.FromTiktoken("no-such-file", "gpt2"), ["no-such-file"]),
        Of<ArgumentException>(
            Tiktoken, () => InFolder([("x", "")], folder => TextTokenizer.FromTiktoken(Path.Combine(folder, "x"), "gpt9")),
            ["gpt9", "cl100k_base"]),
        Of<InvalidDataException>(
            Tiktoken, () => InFolder([("x", "no base64 !")], folder => TextTokenizer.FromTiktoken(Path.Combine(folder, "x"), "gpt2")),
            ["x"]),
        Null("TextTokenizer.Decode", "ids", () => Tiny.Tokenizer.Decode(null!)),
        Null("TextTokenizer.DecodeCompletion", "ids", () => Tiny.Tokenizer.DecodeCompletion(null!)),
        Null("TextTokenizer.IdOf", "token", () => Tiny.Tokenizer.IdOf(null!)),
        Null("TextTokenizer.Save", "folder", () => Tiny.Tokenizer.Save(null!)),
        Of<ArgumentException>("TextTokenizer.Save", () => Tiny.Tokenizer.Save(""), ["empty", "folder"]),
        Of<IOException>(
            "TextTokenizer.Save", () => InFolder([("taken", "")], folder => Tiny.Tokenizer.Save(Path.Combine(folder, "taken"))), ["taken"]),
        Of<ArgumentOutOfRangeException>("TextTokenizer.Decode", () => Tiny.Tokenizer.Decode([1, -1]), ["id", "'-1'"]),
        Of<ArgumentOutOfRangeException>(
            "TextTokenizer.Decode", () => Tiny.Tokenizer.Decode([int.MinValue], false), ["id", "'-2147483648'"]),
        Of<ArgumentOutOfRangeException>("TextTokenizer.DecodeCompletion", () => Tiny.Tokenizer.DecodeCompletion([-1]), ["id", "'-1'"]),
        Of<ArgumentOutOfRangeException>("TokenStreamDecoder.Append", () => Tiny.Tokenizer.CreateStreamDecoder().Append(-5), ["id", "'-5'"]),
    ];

    private static IEnumerable<BadInput> Training() =>
    [
        Null(Train, "texts", () => BpeTrainer.Train(null!, 300)),
        Of<ArgumentException>(Train, () => BpeTrainer.Train([], 300), ["The texts are empty", "at least one text"]),
        Of<ArgumentException>(Train, () => BpeTrainer.Train(["", ""], 300), ["The texts are empty"]),
        Of<ArgumentException>(Train, () => BpeTrainer.Train(["<|endoftext|>"], 300), ["The texts are empty"]),
        Of<ArgumentException>(Train, () => BpeTrainer.Train(["the", null!], 300), ["One of the texts is null"]),
        Of<ArgumentOutOfRangeException>(Train, () => BpeTrainer.Train(Texts, 256), ["at least 257 tokens", "256"]),
        Of<ArgumentOutOfRangeException>(Train, () => BpeTrainer.Train(Texts, 0), ["at least 257 tokens", "0"]),
        Of<ArgumentOutOfRangeException>(Train, () => BpeTrainer.Train(Texts, -1, []), ["at least 256 tokens", "-1"]),
        Of<ArgumentOutOfRangeException>(
            Train, () => BpeTrainer.Train(Texts, 257, ["<a>", "<b>"]), ["at least 258 tokens", "2 special ones"]),
        Of<ArgumentOutOfRangeException>(Train, () => BpeTrainer.Train(Texts, 300, minFrequency: 0), ["minFrequency", "'0'"]),
        Of<ArgumentOutOfRangeException>(Train, () => BpeTrainer.Train(Texts, 300, minFrequency: -2), ["minFrequency", "'-2'"]),
        Of<ArgumentException>(
            Train, () => BpeTrainer.Train(Texts, 300, [""]), ["The special tokens are [\"\"]", "longer than one character"]),
        Of<ArgumentException>(Train, () => BpeTrainer.Train(Texts, 300, [null!]), ["The special tokens are", "longer than one character"]),
        Of<ArgumentException>(Train, () => BpeTrainer.Train(Texts, 300, ["a"]), ["[\"a\"]", "longer than one character"]),
        Of<ArgumentException>(Train, () => BpeTrainer.Train(Texts, 300, ["<a>", "<a>"]), ["[\"<a>\", \"<a>\"]", "given once"]),
        Of<ArgumentException>(Train, () => BpeTrainer.Train([" the the"], 300, ["Ġthe"], 1), ["\"Ġthe\"", "does not occur in them"]),
    ];

    private static Dictionary<string, string> Files(params (string Name, string Text)[] files) =>
        files.ToDictionary(file => file.Name, file => file.Text);

    private static BadInput Config(string name, string? json, params string[] words) => Of<InvalidDataException>(
        FromFiles, () => TextTokenizer.FromFiles(new Dictionary<string, string>(TinyTokenizer.Files()) { [name] = json! }), words,
        $"{name}: {json ?? "null"}");

    private static BadInput Folder<T>((string, string)[] files, params string[] words)
        where T : Exception => Of<T>(Load, () => InFolder(files, folder => TextTokenizer.Load(folder)), words, string.Join(", ", words));

    /// <summary>A good tokenizer.json with one value replaced.</summary>
    private static Dictionary<string, string> Changed(string place, string value)
    {
        if (place.Length == 0)
            return Files(("tokenizer.json", value));
        string[] path = place.Split('.');
        return TinyTokenizer.Files(json =>
            path[..^1].Aggregate((JsonNode)json, (node, key) => node[key]!)[path[^1]] = JsonNode.Parse(value));
    }
}
