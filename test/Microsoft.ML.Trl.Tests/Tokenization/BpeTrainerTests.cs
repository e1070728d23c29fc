using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Tests.Tokenization;

[TestClass]
public sealed class BpeTrainerTests
{
    // low x1, " low" x4, " lower" x2, " newest" x6, " widest" x3 (after arXiv:1508.07909)
    private static readonly string Corpus = string.Join(
        ' ',
        [
            .. Enumerable.Repeat("low", 5),
            .. Enumerable.Repeat("lower", 2),
            .. Enumerable.Repeat("newest", 6),
            .. Enumerable.Repeat("widest", 3),
        ]);

    [TestMethod]
    public void Merges_equal_those_worked_by_hand()
    {
        // 9: e+s before s+t (e < s), then es+t; 7: l+o before o+w, then lo+w;
        // 6: e+w (e is the smallest), then n+ew, then Ġ+low before Ġ+new
        string[] expected = ["e s", "es t", "l o", "lo w", "e w", "n ew", "Ġ low", "Ġ new"];
        CollectionAssert.AreEqual(expected, Merges(BpeTrainer.Train([Corpus], 257 + expected.Length)));
    }

    [TestMethod]
    public void Lines_and_one_text_give_the_same_counts()
    {
        string[] lines = Merges(BpeTrainer.Train(["aa aa", "aa", " aa"], 300));
        CollectionAssert.AreEqual(Merges(BpeTrainer.Train(["aa aa", "aa aa"], 300)), lines);
    }

    [TestMethod]
    public void A_letter_that_repeats_is_paired_from_the_left()
    {
        TextTokenizer tokenizer = BpeTrainer.Train(["aaaaa"], 300, minFrequency: 1);
        // a+a (4 times in "aaaaa"), giving aa aa a; then a+... : aa+a has the smaller ids? aa+a = (256, a) and aa+aa = (256, 256); a < 256
        CollectionAssert.AreEqual(new[] { "a a", "aa a", "aa aaa" }, Merges(tokenizer));
    }

    [TestMethod]
    public void Pairs_below_the_frequency_are_left_alone()
    {
        Assert.AreEqual(257, BpeTrainer.Train(["abcdef"], 1000).VocabularySize);
        Assert.AreEqual(257 + 5, BpeTrainer.Train(["abcdef"], 1000, minFrequency: 1).VocabularySize);
    }

    [TestMethod]
    public void Special_tokens_come_first_or_last()
    {
        TextTokenizer first = BpeTrainer.Train([Corpus], 260, ["<eos>", "<pad>"]);
        TextTokenizer last = BpeTrainer.Train([Corpus], 260, ["<eos>", "<pad>"], specialTokensLast: true);
        Assert.AreEqual((0, 1, 2), (first.IdOf("<eos>"), first.IdOf("<pad>"), first.IdOf("!")));
        Assert.AreEqual((258, 259, 0), (last.IdOf("<eos>"), last.IdOf("<pad>"), last.IdOf("!")));
        Assert.AreEqual((260, 260), (first.VocabularySize, last.VocabularySize));
        Assert.AreEqual((0, 0, 258), (first.EosTokenId, first.BosTokenId, last.EosTokenId));
    }

    [TestMethod]
    public void The_alphabet_is_numbered_as_by_other_trainers()
    {
        TextTokenizer tokenizer = BpeTrainer.Train(["x"], 257);
        string[] letters = ["!", "~", "Ā", "Ġ", "Ń"];
        CollectionAssert.AreEqual(new int?[] { 1, 94, 189, 221, 256 }, letters.Select(tokenizer.IdOf).ToArray());
    }

    [TestMethod]
    public void Without_special_tokens_there_is_no_end_of_sequence()
    {
        TextTokenizer tokenizer = BpeTrainer.Train([Corpus], 260, []);
        Assert.AreEqual((null, null, 260), (tokenizer.EosTokenId, tokenizer.BosTokenId, tokenizer.VocabularySize));
    }

    [TestMethod]
    public void Special_tokens_in_the_texts_are_not_learned()
    {
        string texts = string.Concat(Enumerable.Repeat("ab<|endoftext|>", 10));
        CollectionAssert.AreEqual(new[] { "a b" }, Merges(BpeTrainer.Train([texts], 1000)));
    }

    [TestMethod]
    public void The_same_texts_give_the_same_files()
    {
        string[] texts = [Corpus, "가나다 가나다 ABC abc 123 123", "the cat sat on the mat; the cat ate"];
        TextTokenizer one = BpeTrainer.Train(texts, 300), other = BpeTrainer.Train([.. texts.Reverse()], 300);
        Assert.AreEqual(one.Files()["tokenizer.json"], other.Files()["tokenizer.json"]);
    }

    [TestMethod]
    public void Counts_that_are_kept_up_to_date_equal_counts_made_anew()
    {
        var random = new Random(7);
        for (int round = 0; round < 20; round++)
        {
            string text = string.Concat(Enumerable.Range(0, 400).Select(_ => "aab bc"[random.Next(6)]));
            CollectionAssert.AreEqual(Naive(text, 20), Merges(BpeTrainer.Train([text], 257 + 20, minFrequency: 2)), text);
        }
    }

    [TestMethod]
    public void A_trained_tokenizer_is_loaded_again_from_its_folder()
    {
        string folder = Directory.CreateTempSubdirectory("tokenizer").FullName;
        TextTokenizer tokenizer = BpeTrainer.Train([Corpus], 270);
        const string text = "the lowest newer<|endoftext|>";
        tokenizer.Save(folder);
        CollectionAssert.AreEqual(tokenizer.Encode(text), TextTokenizer.Load(folder).Encode(text));
        File.Delete(Path.Combine(folder, "tokenizer.json")); // what older programs read
        CollectionAssert.AreEqual(tokenizer.Encode(text), TextTokenizer.Load(folder).Encode(text));
        Directory.Delete(folder, recursive: true);
    }

    [TestMethod]
    public void Too_small_a_vocabulary_is_refused() => AssertThrows<ArgumentOutOfRangeException>(
        () => BpeTrainer.Train([Corpus], 256), "at least 257 tokens: 256 for the bytes and 1 special ones");

    [TestMethod]
    public void No_text_is_refused()
    {
        AssertThrows<ArgumentException>(() => BpeTrainer.Train([], 300), "The texts are empty");
        AssertThrows<ArgumentException>(() => BpeTrainer.Train(["", ""], 300), "The texts are empty");
        AssertThrows<ArgumentException>(() => BpeTrainer.Train(["a", null!], 300), "One of the texts is null");
    }

    [TestMethod]
    public void Special_tokens_that_cannot_be_are_refused()
    {
        AssertThrows<ArgumentException>(() => BpeTrainer.Train([Corpus], 300, ["<a>", "<a>"]), "each must be given once");
        AssertThrows<ArgumentException>(() => BpeTrainer.Train([Corpus], 300, [""]), "longer than one character");
        AssertThrows<ArgumentException>(() => BpeTrainer.Train(["es es est"], 300, ["Ġes"]), "choose one that does not occur");
    }

    [TestMethod]
    public void A_frequency_below_one_is_refused()
        => AssertThrows<ArgumentOutOfRangeException>(() => BpeTrainer.Train([Corpus], 300, minFrequency: 0), "minFrequency");

    private static string[] Merges(TextTokenizer tokenizer)
        => [.. JsonNode.Parse(tokenizer.Files()["tokenizer.json"])!["model"]!["merges"]!.AsArray().Select(pair => (string)pair!)];

    // Counts everything again for each merge. Single letters are ordered as in the alphabet ("Ġ" behind ASCII), tokens by their age.
    private static string[] Naive(string text, int count)
    {
        List<List<string>> words = [.. PreTokenizerJson.Gpt2Pattern().Matches(text)
            .Select(word => word.Value.Replace(' ', 'Ġ').Select(letter => letter.ToString()).ToList())];
        List<string> tokens = ["a", "b", "c", "Ġ"], merges = [];
        while (tokens.Count < count + 4)
        {
            var best = words.SelectMany(word => word.Zip(word.Skip(1))).CountBy(pair => pair)
                .OrderByDescending(pair => pair.Value)
                .ThenBy(pair => tokens.IndexOf(pair.Key.First)).ThenBy(pair => tokens.IndexOf(pair.Key.Second))
                .FirstOrDefault();
            if (best.Value < 2)
                break;
            (string left, string right) = best.Key;
            merges.Add($"{left} {right}");
            if (!tokens.Contains(left + right))
                tokens.Add(left + right);
            foreach (List<string> word in words)
                for (int i = 0; i + 1 < word.Count; i++)
                    if (word[i] == left && word[i + 1] == right)
                    {
                        word[i] += right;
                        word.RemoveAt(i + 1);
                    }
        }
        return [.. merges];
    }

    private static void AssertThrows<T>(Action action, string message) where T : Exception
        => StringAssert.Contains(Assert.ThrowsExactly<T>(action).Message, message);
}
