using System.Text.RegularExpressions;

namespace Microsoft.ML.Trl.Tests.Tokenization;

/// <summary>Patterns of other people's tokenizers end.</summary>
[TestClass]
public sealed class PatternLimitTests
{
    [TestMethod]
    public void Every_pattern_has_a_limit() =>
        Assert.AreEqual(OnigurumaPattern.MatchLimit, OnigurumaPattern.ToRegex("(a+)+$").MatchTimeout);

    [TestMethod]
    public void A_match_beyond_it_says_which_pattern_it_was()
    {
        // 2^40 ways to cut the letters, none of which ends the text
        var pattern = new Regex("(a+)+$", RegexOptions.None, TimeSpan.FromMilliseconds(1));
        string text = new string('a', 40) + "b";
        InvalidDataException error = Assert.ThrowsExactly<InvalidDataException>(() => OnigurumaPattern.Find(pattern, text, []));
        Assert.StartsWith("The pattern \"(a+)+$\" of tokenizer.json needs more than 0.001 seconds for a single match", error.Message);
    }

    [TestMethod]
    public void Ids_far_beyond_the_number_of_tokens_are_refused()
    {
        Action create = () => TinyTokenizer.Create(json => json["model"]!["vocab"]!["abc"] = 5_000_000);
        Assert.Contains(
            "of 10 tokens the highest id is 5000000; at most 66175 is allowed", Assert.ThrowsExactly<InvalidDataException>(create).Message);
    }
}
