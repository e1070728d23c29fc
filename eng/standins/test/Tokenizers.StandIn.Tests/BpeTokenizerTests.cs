using System.Buffers;
using System.Text;
using Microsoft.ML.Tokenizers;

namespace Tokenizers.StandIn.Tests;

/// <summary>Worked by hand; the same tests pass on the real package.</summary>
[TestClass]
public sealed class BpeTokenizerTests
{
    private static readonly Dictionary<string, int> Words = new()
    {
        ["l"] = 0, ["o"] = 1, ["w"] = 2, ["e"] = 3, ["r"] = 4, ["lo"] = 5, ["low"] = 6, ["er"] = 7, ["lower"] = 8, ["?"] = 9, ["<s>"] = 10,
    };

    // é is the bytes C3 A9, in letters Ã ©; Ġ is a blank
    private static readonly Dictionary<string, int> Bytes = new()
    {
        ["a"] = 0, ["b"] = 1, ["Ġ"] = 2, ["Ã"] = 3, ["©"] = 4, ["Ġa"] = 5, ["Ã©"] = 6, ["ð"] = 7, ["Ł"] = 8, ["ĺ"] = 9, ["Ģ"] = 10, ["<e>"] = 11,
    };

    private static BpeTokenizer Plain(Action<BpeOptions>? change = null)
    {
        var options = new BpeOptions(Words) { Merges = ["l o", "lo w", "e r", "low er"] };
        change?.Invoke(options);
        return BpeTokenizer.Create(options);
    }

    private static BpeTokenizer ByteLevel(params string[] merges) => BpeTokenizer.Create(new BpeOptions(Bytes)
    {
        Merges = merges,
        ByteLevel = true,
        PreTokenizer = RobertaPreTokenizer.Instance,
        SpecialTokens = new Dictionary<string, int> { ["<e>"] = 11 },
    });

    [TestMethod]
    public void Merges_join_the_lowest_rank_first()
    {
        AreEqual([8], Plain().EncodeToIds("lower"));
        AreEqual([5, 1, 6], Plain().EncodeToIds("lo o low"));
    }

    [TestMethod]
    public void Letters_without_an_id_are_dropped_or_unknown_or_fused()
    {
        AreEqual([6], Plain().EncodeToIds("lowzz"));
        AreEqual([6, 9, 9], Plain(options => options.UnknownToken = "?").EncodeToIds("lowzz"));
        AreEqual([6, 9, 0], Plain(options => (options.UnknownToken, options.FuseUnknownTokens) = ("?", true)).EncodeToIds("lowzzl"));
    }

    [TestMethod]
    public void Tokens_know_where_they_come_from()
    {
        IReadOnlyList<EncodedToken> tokens = Plain().EncodeToTokens("low er", out string? normalized);
        Assert.IsNull(normalized);
        Assert.AreEqual((6, "low", new Range(0, 3)), (tokens[0].Id, tokens[0].Value, tokens[0].Offset));
        Assert.AreEqual((7, "er", new Range(4, 6)), (tokens[1].Id, tokens[1].Value, tokens[1].Offset));
        Assert.IsTrue(tokens[1].Equals(new EncodedToken(7, "er", new Range(4, 6))));
    }

    [TestMethod]
    public void Begin_and_end_marks_go_around()
    {
        BpeTokenizer tokenizer = Plain(options => (options.BeginningOfSentenceToken, options.EndOfSentenceToken) = ("<s>", "?"));
        AreEqual([10, 6, 9], tokenizer.EncodeToIds("low"));
        Assert.AreEqual(3, tokenizer.CountTokens("low"));
        Assert.AreEqual(2, tokenizer.CountTokens("low", considerPreTokenization: false)); // the real package forgets the begin mark here
        AreEqual([10, 6], tokenizer.EncodeToIds("low low", 2, out _, out int consumed));
        Assert.AreEqual(3, consumed);
    }

    [TestMethod]
    public void A_limit_cuts_between_tokens()
    {
        AreEqual([6, 7], Plain().EncodeToIds("low er low", 2, out _, out int consumed));
        Assert.AreEqual(6, consumed);
        Assert.AreEqual(6, Plain().GetIndexByTokenCount("low er low", 2, out _, out int count));
        Assert.AreEqual(2, count);
        Assert.AreEqual(4, Plain().GetIndexByTokenCountFromEnd("low er low", 2, out _, out count));
        Assert.AreEqual(2, count);
        Assert.AreEqual("MaxTokenCount", Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => Plain().EncodeToIds("low", 0, out _, out _)).ParamName);
    }

    [TestMethod]
    public void Suffix_and_prefix_mark_the_place_in_the_word()
    {
        var vocabulary = new Dictionary<string, int> { ["l"] = 0, ["o"] = 1, ["o</w>"] = 2, ["lo</w>"] = 3, ["##o"] = 4, ["lo"] = 5 };
        BpeTokenizer suffix = BpeTokenizer.Create(new BpeOptions(vocabulary) { Merges = ["l o</w>"], EndOfWordSuffix = "</w>" });
        AreEqual([3, 3], suffix.EncodeToIds("lo lo"));
        Assert.AreEqual("lo lo", suffix.Decode([3, 3]));
        BpeTokenizer prefix = BpeTokenizer.Create(new BpeOptions(vocabulary) { Merges = ["l ##o"], ContinuingSubwordPrefix = "##" });
        AreEqual([5], prefix.EncodeToIds("lo"));
        Assert.AreEqual("loo", prefix.Decode([5, 4]));
    }

    [TestMethod]
    public void The_default_cut_drops_white_space()
    {
        AreEqual([6, 6], Plain().EncodeToIds("low  low"));
        AreEqual([6, 6], Plain().EncodeToIds("low  low", considerPreTokenization: false));
        Assert.AreEqual("lowlow", Plain().Decode([6, 6]));
    }

    [TestMethod]
    public void Normalizers_come_first()
    {
        BpeTokenizer tokenizer = Plain(options => options.Normalizer = LowerCaseNormalizer.Instance);
        AreEqual([6], tokenizer.EncodeToIds("LOW"));
        AreEqual([], tokenizer.EncodeToIds("LOW", considerNormalization: false));
        tokenizer.EncodeToTokens("LOW", out string? normalized);
        Assert.AreEqual("low", normalized);
        Assert.AreEqual("LOW", UpperCaseNormalizer.Instance.Normalize("low"));
    }

    [TestMethod]
    public void Bytes_are_letters()
    {
        AreEqual([0, 5, 6, 7, 8, 9, 10], ByteLevel("Ġ a", "Ã ©").EncodeToIds("a aé😀"));
        Assert.AreEqual("a aé😀", ByteLevel().Decode([0, 5, 6, 7, 8, 9, 10]));
        Assert.AreEqual("a\uFFFD", ByteLevel().Decode([0, 7, 8, 9]));
    }

    [TestMethod]
    public void A_character_outside_of_the_basic_plane_is_reported_one_unit_long()
        => CollectionAssert.AreEqual(Enumerable.Repeat(new Range(1, 2), 4).ToArray(), ByteLevel().EncodeToTokens("a😀", out _).Skip(1).Select(token => token.Offset).ToArray());

    [TestMethod]
    public void A_piece_that_is_a_special_token_is_one()
    {
        BpeTokenizer tokenizer = BpeTokenizer.Create(new BpeOptions(Bytes)
        {
            ByteLevel = true,
            SpecialTokens = new Dictionary<string, int> { ["<e>"] = 11 },
            PreTokenizer = new RegexPreTokenizer(new System.Text.RegularExpressions.Regex(@"\w|\s"), new Dictionary<string, int> { ["<e>"] = 11 }),
        });
        AreEqual([0, 11, 1], tokenizer.EncodeToIds("a<e>b"));
        Assert.AreEqual("a<e>b", tokenizer.Decode([0, 11, 1]));
        Assert.AreEqual("ab", tokenizer.Decode([0, 11, 1], considerSpecialTokens: false));
    }

    [TestMethod]
    public void Decoding_into_a_span_stops_where_room_or_characters_end()
    {
        Span<char> room = stackalloc char[2];
        Assert.AreEqual(OperationStatus.DestinationTooSmall, ByteLevel().Decode([0, 1, 0], room, out int consumed, out int written));
        Assert.AreEqual((2, 2), (consumed, written));
        Assert.AreEqual(OperationStatus.Done, ByteLevel().Decode([0, 3], room, out consumed, out written)); // half a character is left out
        Assert.AreEqual((1, 1), (consumed, written));
        Assert.AreEqual(OperationStatus.InvalidData, ByteLevel().Decode([4711], room, out _, out _));
    }

    [TestMethod]
    public void Files_and_streams_make_the_same_tokenizer()
    {
        byte[] vocabulary = Encoding.UTF8.GetBytes("""{"a": 0, "b": 1, "ab": 2}"""), merges = Encoding.UTF8.GetBytes("#version: 0.2\na b\n\n");
        AreEqual([2], BpeTokenizer.Create(new MemoryStream(vocabulary), new MemoryStream(merges)).EncodeToIds("ab"));
        AreEqual([2], BpeTokenizer.CreateAsync(new MemoryStream(vocabulary), new MemoryStream(merges)).Result.EncodeToIds("ab"));
        AreEqual([0, 1], BpeTokenizer.Create(new MemoryStream(vocabulary), null).EncodeToIds("ab"));
    }

    [TestMethod]
    public void Mistakes_are_named()
    {
        Throws<InvalidOperationException>("The vocabulary cannot be empty.", () => BpeTokenizer.Create(new BpeOptions(new Dictionary<string, int>())));
        Throws<InvalidOperationException>("Invalid merger file format", () => Plain(options => options.Merges = ["l o w"]));
        Throws<InvalidOperationException>("Trying to merge a token 'q' which not exist in the vocabulary.", () => Plain(options => options.Merges = ["l q"]));
        Throws<InvalidOperationException>("Unknown Token 'q' was not present in 'Vocabulary'.", () => Plain(options => options.UnknownToken = "q"));
        Throws<ArgumentException>("Could not find the vocabulary file '/none'.", () => new BpeOptions("/none"));
        Throws<InvalidOperationException>("Invalid merger file format at line: 2", () => BpeTokenizer.Create(new MemoryStream("{}"u8.ToArray()), new MemoryStream("a b\nc"u8.ToArray())));
        Assert.ThrowsExactly<ArgumentException>(() => BpeTokenizer.Create(new BpeOptions(new Dictionary<string, int> { ["a"] = 0, ["b"] = 0 }))); // two tokens, one id
        Assert.ThrowsExactly<ArgumentException>(() => Plain(options => options.Merges = ["l o", "l o"]));
    }

    private static void AreEqual(int[] expected, IReadOnlyList<int> actual) => CollectionAssert.AreEqual(expected, actual.ToArray(), string.Join(' ', actual));

    private static void Throws<T>(string message, Action action) where T : Exception => Assert.AreEqual(message, Assert.ThrowsExactly<T>(action).Message);
}
