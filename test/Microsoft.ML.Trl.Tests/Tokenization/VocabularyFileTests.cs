using System.Text;
using Google.Protobuf;

namespace Microsoft.ML.Trl.Tests.Tokenization;

/// <summary>tokenizer.model, vocab.txt and tiktoken files small enough to work out by hand, and damaged ones.</summary>
[TestClass]
public sealed class VocabularyFileTests
{
    private const int Normal = 1, Unknown = 2, Control = 3, UserDefined = 4;
    private const int Bpe = 2, UnigramType = 1;

    private static readonly (string, float, int)[] Pieces =
    [
        ("<unk>", 0, Unknown), ("<s>", 0, Control), ("</s>", 0, Control), ("ab", -1, Normal), ("▁ab", -2, Normal), ("[x]", 0, UserDefined),
        ("▁", -3, Normal), ("a", -4, Normal), ("b", -5, Normal),
    ];

    [TestMethod]
    public void A_bpe_model_is_read()
    {
        TextTokenizer tokenizer = Load(Model(Bpe, Pieces));
        CollectionAssert.AreEqual(new[] { 1, 4, 4, 3 }, tokenizer.Encode("ab abab", addSpecialTokens: true));
        CollectionAssert.AreEqual(new[] { 4, 5, 4 }, tokenizer.Encode("  ab[x]ab "));
        Assert.AreEqual("ab \u2047  ab", tokenizer.Decode([4, 0, 4], skipSpecialTokens: false));
        Assert.AreEqual("ab ab", tokenizer.Decode([4, 0, 4]));
        Assert.AreEqual(("<s>", "</s>", "<unk>"), (tokenizer.BosToken, tokenizer.EosToken, tokenizer.UnknownToken));
        Assert.IsNull(tokenizer.PadToken);
    }

    [TestMethod]
    public void A_unigram_model_is_read_and_ends_with_its_end_token()
    {
        TextTokenizer tokenizer = Load(Model(UnigramType, Pieces));
        CollectionAssert.AreEqual(new[] { 4, 2 }, tokenizer.Encode("ab", addSpecialTokens: true)); // -2 against -4 for ▁ and ab
        CollectionAssert.AreEqual(new[] { 6, 8, 7, 0 }, tokenizer.EncodeOrdinary("ba<"));
    }

    [TestMethod]
    public void What_the_configuration_says_counts()
    {
        byte[] model = Model(Bpe, Pieces);
        TextTokenizer tokenizer = Load(model, """{"add_bos_token": false, "add_eos_token": true, "legacy": false, "eos_token": "</s>"}""");
        CollectionAssert.AreEqual(new[] { 4, 5, 3, 2 }, tokenizer.Encode("ab[x]ab", addSpecialTokens: true)); // no blank behind the token
        Assert.AreEqual(109, Load(Model(UnigramType, Pieces), """{"tokenizer_class": "T5Tokenizer"}""").VocabularySize);
        TextTokenizer few = Load(Model(UnigramType, Pieces), """{"tokenizer_class": "T5Tokenizer", "extra_ids": 2}""");
        Assert.AreEqual((10, 9), (few.IdOf("<extra_id_0>"), few.IdOf("<extra_id_1>")));
    }

    [TestMethod]
    [DataRow(3, "{}", "SentencePiece (kind 3, a word or character model) tokenizers are not supported")]
    [DataRow(Bpe, """{"tokenizer_class": "XLMRobertaTokenizer"}""", "XLMRobertaTokenizer without tokenizer.json tokenizers are not")]
    public void Models_of_other_kinds_are_named(int type, string config, string message)
        => AssertThrows<NotSupportedException>(() => Load(Model(type, Pieces), config), message);

    [TestMethod]
    public void Damaged_models_say_what_is_wrong()
    {
        AssertThrows<InvalidDataException>(() => Load([1, 2, 3]), "tokenizer.model' is not a SentencePiece model that can be read");
        AssertThrows<InvalidDataException>(() => Load([]), "of its 0 tokens 0 are the unknown one; one is needed");
        AssertThrows<InvalidDataException>(
            () => Load(Model(Bpe, [.. Pieces, ("a", 0, Normal)])), "the token \"a\" is there twice, as 7 and as 9");
        AssertThrows<InvalidDataException>(() => Load(Model(Bpe, [("", 0, Unknown)])), "token 0 is \"\" with the score 0 and the type 2");
        AssertThrows<InvalidDataException>(() => Load(Model(Bpe, Pieces), "[]"), "tokenizer_config.json of");
    }

    [TestMethod]
    public void Any_byte_of_a_model_may_be_spoilt_and_is_either_read_or_refused()
    {
        byte[] whole = Model(Bpe, Pieces);
        string folder = Directory.CreateTempSubdirectory("tokenizer").FullName;
        List<string> wrong = [];
        for (int i = 0; i < whole.Length; i++)
            foreach (int change in new[] { 0x01, 0x04, 0x80, 0xFF, -1 })
            {
                byte[] spoilt = change < 0 ? whole[..i] : [.. whole[..i], (byte)(whole[i] ^ change), .. whole[(i + 1)..]];
                try
                {
                    File.WriteAllBytes(Path.Combine(folder, "tokenizer.model"), spoilt);
                    TextTokenizer.Load(folder).Encode("ab <s> x");
                }
                catch (Exception refused) when (refused is InvalidDataException or NotSupportedException)
                {
                    Assert.AreNotEqual("", refused.Message);
                }
                catch (Exception other)
                {
                    wrong.Add($"byte {i} changed by {change} gives {other.GetType().Name}: {other.Message}");
                }
            }
        Directory.Delete(folder, recursive: true);
        Assert.AreEqual("", string.Join('\n', wrong));
    }

    [TestMethod]
    public void A_list_of_word_pieces_is_read()
    {
        const string lines = "[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n##b\r\n";
        TextTokenizer tokenizer = TextTokenizer.FromFiles(new Dictionary<string, string> { ["vocab.txt"] = lines });
        CollectionAssert.AreEqual(new[] { 2, 4, 5, 1, 3 }, tokenizer.Encode("Ab c", addSpecialTokens: true));
        Assert.AreEqual((0, 1), (tokenizer.PadTokenId, tokenizer.UnknownTokenId));
        const string cased = """{"do_lower_case": false, "unk_token": "[UNK]"}""";
        CollectionAssert.AreEqual(new[] { 1 }, Words(lines, cased).Encode("Ab"));
        AssertThrows<InvalidDataException>(() => Words("\n", "{}"), "vocab.txt of the given files is empty");
        AssertThrows<InvalidDataException>(() => Words(lines, "[]"), "tokenizer_config.json of the given files cannot be read");
        AssertThrows<InvalidDataException>(() => Words("a", "{}"), "the unk_token \"[UNK]\" of the model is not in its vocabulary");
        AssertThrows<NotSupportedException>(
            () => Words(lines, """{"tokenizer_class": "MPNetTokenizer"}"""), "MPNetTokenizer without tokenizer.json tokenizers");

        static TextTokenizer Words(string lines, string config)
            => TextTokenizer.FromFiles(new Dictionary<string, string> { ["vocab.txt"] = lines, ["tokenizer_config.json"] = config });
    }

    [TestMethod]
    public void A_tiktoken_file_is_read()
    {
        string[] lines = [.. Enumerable.Range(0, 256).Select(value => Line([(byte)value], value)), Line("ab"u8, 256), Line("abc"u8, 257)];
        TextTokenizer tokenizer = Tiktoken(lines, "cl100k_base", new() { ["<|endoftext|>"] = 300 });
        CollectionAssert.AreEqual(new[] { 257, 32, 256, 100, 300 }, tokenizer.Encode("abc abd<|endoftext|>"));
        Assert.AreEqual((301, 300), (tokenizer.VocabularySize, tokenizer.EosTokenId));
        AssertThrows<ArgumentException>(() => Tiktoken(lines, "best", null), "The encoding \"best\" is not known. Known are gpt2, r50k");
        AssertThrows<InvalidDataException>(() => Tiktoken(lines, "gpt2", new() { ["<e>"] = 97 }), "the id 97, which another token has");
        AssertThrows<InvalidDataException>(() => Tiktoken(lines[..255], "gpt2", null), "1 of the 256 bytes are no tokens; all are");
        AssertThrows<InvalidDataException>(() => Tiktoken([.. lines, "YQ== 9"], "gpt2", null), "line 259 has a token that was there");
        foreach (string damaged in new[] { "YQ==", "YQ== x", "!! 3", " 3", "YQ== 3 4", "YQ== -1" })
            AssertThrows<InvalidDataException>(() => Tiktoken([.. lines, damaged], "gpt2", null), $"line 259 is \"{damaged}\"");
        Assert.ThrowsExactly<FileNotFoundException>(() => TextTokenizer.FromTiktoken("no-such.tiktoken", "gpt2"));
        Assert.ThrowsExactly<DirectoryNotFoundException>(() => TextTokenizer.FromTiktoken("/no/such.tiktoken", "gpt2"));
        AssertThrows<NotSupportedException>(
            () => Load(Encoding.ASCII.GetBytes(string.Join('\n', lines))), "is a tiktoken file, which does not say how text is cut. Load");

        static string Line(ReadOnlySpan<byte> bytes, int rank) => $"{Convert.ToBase64String(bytes)} {rank}";
    }

    private static TextTokenizer Tiktoken(string[] lines, string encoding, Dictionary<string, int>? special)
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        File.WriteAllLines(path, lines);
        try
        {
            return TextTokenizer.FromTiktoken(path, encoding, special);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static TextTokenizer Load(byte[] model, string? config = null)
    {
        string folder = Directory.CreateTempSubdirectory("tokenizer").FullName;
        File.WriteAllBytes(Path.Combine(folder, "tokenizer.model"), model);
        if (config is not null)
            File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), config);
        try
        {
            return TextTokenizer.Load(folder);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // sentencepiece_model.proto: pieces 1 {text 1, score 2, type 3}, trainer 2 {model type 3}, normalizer 3 {name 1}
    internal static byte[] Model(int type, (string Text, float Score, int Type)[] pieces) => Message(model =>
    {
        foreach ((string text, float score, int kind) in pieces)
            Field(model, 1, piece =>
            {
                piece.WriteTag(1, WireFormat.WireType.LengthDelimited);
                piece.WriteString(text);
                piece.WriteTag(2, WireFormat.WireType.Fixed32);
                piece.WriteFloat(score);
                piece.WriteTag(3, WireFormat.WireType.Varint);
                piece.WriteEnum(kind);
            });
        Field(model, 2, trainer =>
        {
            trainer.WriteTag(3, WireFormat.WireType.Varint);
            trainer.WriteEnum(type);
        });
        Field(model, 3, normalizer =>
        {
            normalizer.WriteTag(1, WireFormat.WireType.LengthDelimited);
            normalizer.WriteString("identity");
        });
    });

    private static void Field(CodedOutputStream target, int number, Action<CodedOutputStream> write)
    {
        target.WriteTag(number, WireFormat.WireType.LengthDelimited);
        target.WriteBytes(ByteString.CopyFrom(Message(write)));
    }

    private static byte[] Message(Action<CodedOutputStream> write)
    {
        var memory = new MemoryStream();
        using (var output = new CodedOutputStream(memory, leaveOpen: true))
            write(output);
        return memory.ToArray();
    }

    private static void AssertThrows<T>(Action action, string message) where T : Exception
        => StringAssert.Contains(Assert.ThrowsExactly<T>(action).Message, message);
}
