using System.Text;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Tokenization;

/// <summary>Tokenizers' files with arbitrary damage; what can be read must also encode and decode. See <see cref="Fuzz"/>.</summary>
[TestClass]
public sealed class TokenizerFuzzTests
{
    private const string Text = "ab <s> the film's é 😀 ABC 12 [x]\n a<m>b";

    private const int Managed = 8 << 20; // two tokenizers, each with patterns that .NET compiles and places for 65,536 ids

    private const string Config = """
        {"bos_token": "<s>", "eos_token": {"content": "<u>", "lstrip": false}, "unk_token": "<u>", "add_bos_token": true,
         "add_eos_token": false, "legacy": false, "tokenizer_class": "LlamaTokenizer", "extra_ids": 3, "do_lower_case": true,
         "added_tokens_decoder": {"1": {"content": "<s>", "special": true}},
         "chat_template": [{"name": "default", "template": "{% for m in messages %}{{ m.content }}{% endfor %}"},
           {"name": "tool_use", "template": "{{ tools }}"}]}
        """;

    /// <summary>Patterns, cuts, normalizers and a decoder that the small tokenizers of the other tests do not have.</summary>
    private const string Rules = """
        {"added_tokens": [{"id": 9, "content": "<m>", "special": true, "lstrip": true, "rstrip": true, "single_word": true}],
         "normalizer": {"type": "Sequence", "normalizers": [{"type": "NFKC"}, {"type": "Lowercase"}, {"type": "StripAccents"},
           {"type": "Strip", "strip_left": true, "strip_right": false},
           {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "}]},
         "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
           {"type": "Split", "pattern": {"Regex": "\\p{L}+|\\d{1,3}|\\s+(?!\\S)|[^\\r\\n]"}, "behavior": "Isolated", "invert": false},
           {"type": "Digits", "individual_digits": true}, {"type": "Punctuation", "behavior": "Contiguous"},
           {"type": "ByteLevel", "add_prefix_space": true, "use_regex": false}]},
         "post_processor": {"type": "ByteLevel", "trim_offsets": false},
         "decoder": {"type": "ByteLevel"},
         "model": {"type": "BPE", "ignore_merges": true, "unk_token": null, "dropout": null,
           "vocab": {"a": 0, "b": 1, "c": 2, "d": 3, "Ġ": 4, "x": 5, "ab": 6, "abc": 7, "Ġab": 8},
           "merges": [["a", "b"], ["ab", "c"], ["Ġ", "ab"]]}}
        """;

    private static readonly string[] Seeds =
    [
        TokenizerKindTests.SentencePiece, TokenizerKindTests.Unigram, TokenizerKindTests.WordPiece, TinyTokenizer.Files()["tokenizer.json"],
        Rules,
    ];

    private static readonly (string, float, int)[] Pieces =
    [
        ("<unk>", 0, 2), ("<s>", 0, 3), ("</s>", 0, 3), ("ab", -1, 1), ("▁ab", -2, 1), ("[x]", 0, 4), ("▁", -3, 1), ("a", -4, 1),
        ("<0x41>", -5, 6),
    ];

    [TestMethod]
    [Timeout(7_200_000)]
    public void Tokenizers()
    {
        var fuzz = new Fuzz(managed: Managed);
        for (int i = 0; i < Fuzz.Count; i++)
        {
            string seed = Seeds[i % Seeds.Length];
            byte[] damaged = JsonMutations.Of(seed, i);
            fuzz.Read(i, damaged.Length, () => Use(TextTokenizer.FromFiles(
                new Dictionary<string, string> { ["tokenizer.json"] = Encoding.UTF8.GetString(damaged) })));
        }
        Close.Above(Fuzz.Count / 20.0, fuzz.Readable, "variants that can be read");
    }

    [TestMethod]
    [Timeout(7_200_000)]
    public void Configurations()
    {
        var fuzz = new Fuzz(error => error is InvalidDataException or NotSupportedException or ChatTemplateException
            || error.Message.StartsWith("The tokenizer has no chat template", StringComparison.Ordinal), Managed);
        for (int i = 0; i < Fuzz.Count; i++)
        {
            string name = i % 3 == 0 ? "special_tokens_map.json" : "tokenizer_config.json";
            byte[] damaged = JsonMutations.Of(Config, i);
            fuzz.Read(i, damaged.Length, () =>
            {
                TextTokenizer tokenizer = TextTokenizer.FromFiles(new Dictionary<string, string>
                {
                    ["tokenizer.json"] = TokenizerKindTests.SentencePiece,
                    [name] = Encoding.UTF8.GetString(damaged),
                });
                Use(tokenizer);
                tokenizer.ApplyChatTemplate("""[{"role": "user", "content": "a"}]""");
                tokenizer.ApplyChatTemplate("[]", new ChatTemplateOptions { Tools = [] });
            });
        }
        Close.Above(Fuzz.Count / 20.0, fuzz.Readable, "variants that can be read");
    }

    [TestMethod]
    [Timeout(7_200_000)]
    public void SentencePieceModels()
    {
        byte[][] seeds = [VocabularyFileTests.Model(1, Pieces), VocabularyFileTests.Model(2, Pieces)];
        string folder = Directory.CreateTempSubdirectory("trl-").FullName, path = Path.Combine(folder, "tokenizer.model");
        try
        {
            var fuzz = new Fuzz(managed: Managed);
            for (int i = 0; i < Fuzz.Count; i++)
            {
                byte[] damaged = i % 4 < 2 ? Mutations.Of(seeds[i % 2], i, start: 60) : OtherPieces(new Random(i));
                File.Delete(path);
                File.WriteAllBytes(path, damaged);
                fuzz.Read(i, damaged.Length, () => Use(TextTokenizer.Load(folder)));
            }
            Close.Above(Fuzz.Count / 20.0, fuzz.Readable, "variants that can be read");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [TestMethod]
    [Timeout(7_200_000)]
    public void VocabulariesOfOlderTokenizers()
    {
        const string vocab = """{"a": 0, "b": 1, "ab": 2, "Ġ": 3, "<|endoftext|>": 4}""", added = """{"<m>": 5}""";
        byte[] merges = Encoding.UTF8.GetBytes("#version: 0.2\na b\n");
        byte[] words = Encoding.UTF8.GetBytes("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n##b\n");
        var fuzz = new Fuzz(error => error is InvalidDataException or NotSupportedException, Managed);
        for (int i = 0; i < Fuzz.Count; i++)
        {
            var files = new Dictionary<string, string>();
            byte[] damaged = i % 2 == 0 ? JsonMutations.Of(vocab, i) : Mutations.Of(i % 4 == 1 ? merges : words, i, start: 10);
            if (i % 4 == 3)
                files["vocab.txt"] = Encoding.UTF8.GetString(damaged);
            else
            {
                files["vocab.json"] = i % 2 == 0 ? Encoding.UTF8.GetString(damaged) : vocab;
                files["merges.txt"] = Encoding.UTF8.GetString(i % 2 == 0 ? merges : damaged);
                files["added_tokens.json"] = i % 8 == 0 ? Encoding.UTF8.GetString(JsonMutations.Of(added, i)) : added;
            }
            fuzz.Read(i, damaged.Length, () => Use(TextTokenizer.FromFiles(files)));
        }
        Close.Above(Fuzz.Count / 20.0, fuzz.Readable, "variants that can be read");
    }

    /// <summary>A model that is whole, of pieces that may make no sense.</summary>
    private static byte[] OtherPieces(Random random)
    {
        string[] texts = ["", " ", "▁", "a", "ab", "<unk>", "<s>", "<0x41>", "<0x4", "é", "😀", "\n", "\0", new('▁', 20), "<extra_id_0>"];
        float[] scores = [0, -1, -1.5f, 1, float.NaN, float.PositiveInfinity, float.MinValue, float.Epsilon];
        List<(string, float, int)> pieces = [.. Pieces];
        for (int changes = random.Next(1, 4); changes > 0; changes--)
        {
            int at = random.Next(pieces.Count);
            (string text, float score, int type) = pieces[at];
            pieces[at] = random.Next(4) switch
            {
                0 => (texts[random.Next(texts.Length)], score, type),
                1 => (text, scores[random.Next(scores.Length)], type),
                2 => (text, score, random.Next(-1, 9)),
                _ => pieces[random.Next(pieces.Count)],
            };
            if (random.Next(3) == 0)
                pieces.Add((texts[random.Next(texts.Length)], scores[random.Next(scores.Length)], random.Next(1, 7)));
        }
        return VocabularyFileTests.Model(random.Next(16) == 0 ? random.Next(6) : random.Next(1, 3), [.. pieces]);
    }

    private static void Use(TextTokenizer tokenizer)
    {
        int[] ids = tokenizer.Encode(Text, addSpecialTokens: true);
        Assert.IsTrue(ids.All(id => id >= 0 && id < tokenizer.VocabularySize), "ids are within the vocabulary");
        tokenizer.Decode(ids, skipSpecialTokens: false);
        tokenizer.DecodeCompletion(ids);
        TextTokenizer.FromFiles(tokenizer.Files()).Encode("a");
    }
}
