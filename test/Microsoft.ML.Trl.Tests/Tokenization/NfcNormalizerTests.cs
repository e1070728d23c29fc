
namespace Microsoft.ML.Trl.Tests.Tokenization;

/// <summary>Cases of UAX #15 and of the Unicode character database.</summary>
[TestClass]
public sealed class NfcNormalizerTests
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
    public void Text_is_composed(string text, string expected)
    {
        string actual = new NfcNormalizer().Normalize(text);
        Assert.AreEqual(expected, actual);
        Assert.AreEqual(expected, new NfcNormalizer().Normalize(text.AsSpan()));
        Assert.AreEqual(expected, new NfcNormalizer().Normalize(actual), "twice is once");
    }
}
