using System.Globalization;
using System.Text;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>
/// A text with one UTF-16 unit per character, for patterns: .NET's regular expressions look at single units, where a character outside
/// of the basic plane is two units of category "surrogate". Each such character is replaced by a basic one of its own general category.
/// </summary>
internal readonly struct BmpText
{
    private readonly int[]? _offsets; // of each character in the original text, its length last; null when nothing was replaced

    public BmpText(string text)
    {
        Text = text;
        if (text.AsSpan().IndexOfAnyInRange('\uD800', '\uDFFF') < 0)
            return;
        var characters = new StringBuilder(text.Length);
        var offsets = new List<int>(text.Length + 1);
        int at = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            offsets.Add(at);
            characters.Append(rune.IsBmp ? (char)rune.Value : Like(Rune.GetUnicodeCategory(rune)));
            at += rune.Utf16SequenceLength;
        }
        offsets.Add(at);
        (Text, _offsets) = (characters.ToString(), [.. offsets]);
    }

    public string Text { get; }

    /// <summary>Where a stretch of <see cref="Text"/> lies in the original text.</summary>
    public (int Offset, int Length) Original(int start, int end)
        => _offsets is null ? (start, end - start) : (_offsets[start], _offsets[end] - _offsets[start]);

    private static char Like(UnicodeCategory category) => category switch
    {
        UnicodeCategory.UppercaseLetter => '\u13A0',
        UnicodeCategory.LowercaseLetter => '\uAB70',
        UnicodeCategory.TitlecaseLetter => '\u1F88',
        UnicodeCategory.ModifierLetter => '\u02B0',
        UnicodeCategory.OtherLetter => '\u01BB',
        UnicodeCategory.NonSpacingMark => '\u0300',
        UnicodeCategory.SpacingCombiningMark => '\u0903',
        UnicodeCategory.EnclosingMark => '\u0488',
        UnicodeCategory.DecimalDigitNumber => '\u0660',
        UnicodeCategory.LetterNumber => '\u2160',
        UnicodeCategory.OtherNumber => '\u00BC',
        UnicodeCategory.ConnectorPunctuation => '\u203F',
        UnicodeCategory.DashPunctuation => '\u2010',
        UnicodeCategory.OpenPunctuation => '\u0F3A',
        UnicodeCategory.ClosePunctuation => '\u0F3B',
        UnicodeCategory.InitialQuotePunctuation => '\u00AB',
        UnicodeCategory.FinalQuotePunctuation => '\u00BB',
        UnicodeCategory.OtherPunctuation => '\u00A7',
        UnicodeCategory.MathSymbol => '\u00B1',
        UnicodeCategory.CurrencySymbol => '\u00A2',
        UnicodeCategory.ModifierSymbol => '\u00A8',
        UnicodeCategory.OtherSymbol => '\u00A9',
        UnicodeCategory.Format => '\u00AD',
        UnicodeCategory.PrivateUse => '\uE000',
        _ => '\u0378', // not assigned
    };
}
