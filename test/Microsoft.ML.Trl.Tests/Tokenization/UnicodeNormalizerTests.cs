using System.Text;

namespace Microsoft.ML.Trl.Tests.Tokenization;

/// <summary>Cases of UAX #15 and of the Unicode character database.</summary>
[TestClass]
public sealed class UnicodeNormalizerTests
{
    [TestMethod]
    [DataRow("plain ASCII", "plain ASCII")]
    [DataRow("e\u0301", "\u00E9")]
    [DataRow("\u212B", "\u00C5")] // Angstrom sign: a singleton
    [DataRow("\u1E9B\u0323", "\u1E9B\u0323")] // long s with dot above and below: composing is blocked
    [DataRow("s\u0307\u0323", "\u1E69")] // marks are put in order first
    [DataRow("a\u0323\u0302", "\u1EAD")]
    [DataRow("D\u0307\u0323", "\u1E0C\u0307")]
    [DataRow("\u0344", "\u0308\u0301")] // excluded from composition
    [DataRow("\u0958", "\u0915\u093C")]
    [DataRow("\u1100\u1161\u11A8", "\uAC01")] // Hangul
    [DataRow("\uAC00\u11A8", "\uAC01")]
    [DataRow("\uAC00\u11A7", "\uAC00\u11A7")]
    [DataRow("\u1100\u1161\u1161", "\uAC00\u1161")]
    [DataRow("\uF900", "\u8C48")]
    [DataRow("\U0002F800", "\u4E3D")]
    [DataRow("\U0001D15E", "\U0001D157\U0001D165")]
    [DataRow("\U00011099\U000110BA", "\U0001109A")]
    [DataRow("\u0301a", "\u0301a")]
    [DataRow("\u0F71\u0F72\u0F80", "\u0F71\u0F72\u0F80")]
    [DataRow("e\u0301\uFFFEe\u0301\uFFFE", "\u00E9\uFFFE\u00E9\uFFFE")] // a noncharacter that string.Normalize refuses
    public void Text_is_composed(string text, string expected)
    {
        string actual = new UnicodeNormalizer(NormalizationForm.FormC).Normalize(text);
        Assert.AreEqual(expected, actual);
        Assert.AreEqual(expected, new UnicodeNormalizer(NormalizationForm.FormC).Normalize(text.AsSpan()));
        Assert.AreEqual(expected, new UnicodeNormalizer(NormalizationForm.FormC).Normalize(actual), "twice is once");
    }

    [TestMethod]
    public void A_lone_surrogate_becomes_the_replacement_character()
        => Assert.AreEqual("\u00E9\uFFFDx\uFFFD", new UnicodeNormalizer(NormalizationForm.FormC).Normalize("e\u0301\uD83Dx\uDE00"));

    [TestMethod]
    public void A_process_that_composes_characters_is_accepted() => UnicodeNormalizer.CheckSupport("a.json", text => text.Normalize());

    [TestMethod]
    public void A_process_that_hands_text_back_is_refused_with_the_remedy()
    {
        string message = Assert.ThrowsExactly<PlatformNotSupportedException>(
            () => UnicodeNormalizer.CheckSupport("a.json", text => text)).Message;
        StringAssert.StartsWith(message, "a.json asks for Unicode normalization (NFC), which this process cannot do");
        StringAssert.Contains(message, "Install the ICU library (libicu");
        StringAssert.Contains(message, "set InvariantGlobalization to false");
    }

    [TestMethod]
    public void A_process_whose_normalization_throws_is_refused_with_the_cause()
    {
        var cause = new DllNotFoundException("libicu");
        Exception error = Assert.ThrowsExactly<PlatformNotSupportedException>(
            () => UnicodeNormalizer.CheckSupport("a.json", _ => throw cause));
        Assert.AreSame(cause, error.InnerException);
    }
}
