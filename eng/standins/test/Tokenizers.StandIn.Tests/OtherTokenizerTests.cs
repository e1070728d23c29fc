using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.ML.Tokenizers;

namespace Tokenizers.StandIn.Tests;

/// <summary>Worked by hand; the same tests pass on the real package.</summary>
[TestClass]
public sealed class OtherTokenizerTests
{
    [TestMethod]
    public void Pre_tokenizers_cut_as_their_names_say()
    {
        Assert.AreEqual("(0, 3) (4, 2)", Cut(PreTokenizer.CreateWhiteSpace(), "a.b !c"));
        Assert.AreEqual("(0, 1) (1, 1) (2, 1) (4, 1) (5, 1)", Cut(PreTokenizer.CreateWordOrPunctuation(), "a.b !c"));
        Assert.AreEqual("(0, 1) (1, 2) (4, 1)", Cut(PreTokenizer.CreateWordOrNonWord(), "a.. b"));
        Assert.AreEqual("(0, 2) (2, 2) (4, 1) (5, 2) (7, 1)", Cut(RobertaPreTokenizer.Instance, "it's  a "));
        Assert.AreEqual("", Cut(RobertaPreTokenizer.Instance, ""));
        Assert.AreSame(PreTokenizer.CreateWhiteSpace(), PreTokenizer.CreateWhiteSpace());
    }

    [TestMethod]
    public void A_pattern_drops_what_it_does_not_match_and_isolates_special_tokens()
        => Assert.AreEqual("(0, 1) (2, 3) (5, 1)", Cut(new RegexPreTokenizer(new Regex("[a-z]"), new Dictionary<string, int> { ["<e>"] = 1 }), "a-<e>b"));

    [TestMethod]
    public void A_composite_hands_on_what_the_first_leaves()
    {
        var composite = new CompositePreTokenizer([new RegexPreTokenizer(new Regex("[0-9]+"), null), new RegexPreTokenizer(new Regex("b"), null)]);
        Assert.AreEqual("(0, 1) (1, 1) (2, 2)", Cut(composite, "ab12"));
        Assert.AreEqual(3, new CompositePreTokenizer(composite.PreTokenizers, new Dictionary<string, int> { ["<e>"] = 1 }).PreTokenizers.Count);
        Assert.ThrowsExactly<ArgumentException>(() => new CompositePreTokenizer([null!]));
        Assert.ThrowsExactly<ArgumentException>(() => new CompositePreTokenizer([.. Enumerable.Repeat(PreTokenizer.CreateWhiteSpace(), 11)]));
    }

    [TestMethod]
    public void CodeGen_encodes_gpt2_files()
    {
        CodeGenTokenizer tokenizer = CodeGen();
        Assert.AreEqual("4", Ids(tokenizer.EncodeToIds("ab")));
        Assert.AreEqual("4 5", Ids(tokenizer.EncodeToIds("ab ab")));
        Assert.AreEqual("5", Ids(tokenizer.EncodeToIds("ab", addPrefixSpace: true, addBeginningOfSentence: false, addEndOfSentence: false)));
        Assert.AreEqual("6 4 6", Ids(tokenizer.EncodeToIds("ab", addPrefixSpace: false, addBeginningOfSentence: true, addEndOfSentence: true)));
        Assert.AreEqual(3, tokenizer.CountTokens("ab", addPrefixSpace: false, addBeginningOfSentence: true, addEndOfSentence: true));
        Assert.AreEqual("4 50286 4", Ids(tokenizer.EncodeToIds("ab  ab"))); // a run of blanks is an added token
        EncodedToken prefixed = tokenizer.EncodeToTokens("ab", addPrefixSpace: true, addBeginningOfSentence: false, addEndOfSentence: false, out _)[0];
        Assert.AreEqual((5, "Ġab", new Range(0, 2)), (prefixed.Id, prefixed.Value, prefixed.Offset));
        Assert.AreEqual(2, tokenizer.GetIndexByTokenCount("ab ab", 1, out _, out int count));
        Assert.AreEqual(1, count);
    }

    [TestMethod]
    public void CodeGen_decodes()
    {
        CodeGenTokenizer tokenizer = CodeGen();
        Assert.AreEqual("ab ab", tokenizer.Decode([6, 4, 5, 6])); // marks are left out
        Assert.AreEqual("<|endoftext|>ab", tokenizer.Decode([6, 5], hasPrefixSpace: true, considerSpecialTokens: true));
        Span<char> room = stackalloc char[3];
        Assert.AreEqual(OperationStatus.DestinationTooSmall, tokenizer.Decode([4, 5], room, out int consumed, out int written));
        Assert.AreEqual((1, 2), (consumed, written));
    }

    [TestMethod]
    public void CodeGen_names_what_is_wrong()
    {
        ArgumentException missing = Assert.ThrowsExactly<ArgumentException>(() => CodeGenTokenizer.Create(Text("""{"a": 0}"""), Text("")));
        Assert.AreEqual("The Unknown token '<|endoftext|>' is not found in the vocabulary.", missing.Message);
        StringAssert.Contains(Assert.ThrowsExactly<IOException>(() => CodeGenTokenizer.Create(Text("{}"), Text("#\na"))).Message, "Invalid format of merge file at line: \"a\"");
        Assert.ThrowsExactly<ArgumentNullException>(() => CodeGenTokenizer.Create(null!, Text("")));
    }

    [TestMethod]
    public void A_tokenizer_needs_nothing_but_tokens_and_a_decoder()
    {
        var letters = new Letters();
        Assert.AreEqual("97 98", Ids(letters.EncodeToIds("ab")));
        Assert.AreEqual(2, letters.CountTokens("ab".AsSpan()));
        Assert.AreEqual((2, 2), (letters.GetIndexByTokenCount("abc", 2, out _, out int count), count));
        Assert.AreEqual((1, 2), (letters.GetIndexByTokenCountFromEnd("abc", 2, out _, out count), count));
        Assert.AreEqual("ab", letters.Decode([97, 98]));
        Assert.AreEqual("", letters.Decode([]));
        Assert.ThrowsExactly<InvalidOperationException>(() => letters.Decode([-1]));
        Assert.AreEqual((null, null), (letters.Normalizer, letters.PreTokenizer));
    }

    private static CodeGenTokenizer CodeGen() => CodeGenTokenizer.Create(
        Text("""{"a": 0, "b": 1, "Ġ": 2, "x": 3, "ab": 4, "Ġab": 5, "<|endoftext|>": 6}"""), Text("#version: 0.2\na b\nĠ ab\n"));

    private static MemoryStream Text(string text) => new(Encoding.UTF8.GetBytes(text));

    private static string Ids(IEnumerable<int> ids) => string.Join(' ', ids);

    private static string Cut(PreTokenizer cut, string text)
    {
        string pieces = string.Join(' ', cut.PreTokenize(text));
        if (cut is not CompositePreTokenizer)
            Assert.AreEqual(pieces, string.Join(' ', cut.PreTokenize(text.AsSpan())));
        return pieces;
    }

    private sealed class Letters : Tokenizer
    {
        protected override EncodeResults<EncodedToken> EncodeToTokens(string? text, ReadOnlySpan<char> textSpan, EncodeSettings settings) => new()
        {
            Tokens = [.. textSpan.ToArray().Select((letter, at) => new EncodedToken(letter, letter.ToString(), new Range(at, at + 1)))],
            CharsConsumed = textSpan.Length,
        };

        public override OperationStatus Decode(IEnumerable<int> ids, Span<char> destination, out int idsConsumed, out int charsWritten)
        {
            (idsConsumed, charsWritten) = (0, 0);
            foreach (int id in ids)
            {
                if (id < 0)
                    return OperationStatus.InvalidData;
                if (charsWritten == destination.Length)
                    return OperationStatus.DestinationTooSmall;
                destination[charsWritten++] = (char)id;
                idsConsumed++;
            }
            return OperationStatus.Done;
        }
    }
}
