using System.Globalization;
using System.Text;

namespace Microsoft.ML.Trl.Tokenization;

/// <summary>BERT's basic cleaning of text (google-research/bert, tokenization.py), as Hugging Face's BertNormalizer does it.</summary>
/// <param name="cleans">Leave out control characters and U+FFFD, make blanks of white space.</param>
/// <param name="partsIdeographs">Put blanks around Chinese characters.</param>
/// <param name="decompose">Unicode form D, after which non-spacing marks are left out; null keeps accents.</param>
/// <param name="lowers">Lower case.</param>
internal sealed class BertNormalization(bool cleans, bool partsIdeographs, Func<string, string>? decompose, bool lowers)
{
    public string Normalize(string text)
    {
        if (cleans)
            text = Clean(text);
        if (partsIdeographs)
            text = PartIdeographs(text);
        if (decompose is not null)
            text = NormalizerSteps.Filter(decompose(text), rune => Rune.GetUnicodeCategory(rune) != UnicodeCategory.NonSpacingMark);
        return lowers ? NormalizerSteps.Lowercase(text) : text;
    }

    private static string Clean(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (Rune.IsWhiteSpace(rune) && !IsDropped(rune))
                result.Append(' ');
            else if (!IsDropped(rune))
                result.Append(rune.ToString());
        }
        return result.ToString();
    }

    // Control characters with the exception of those that are taken for white space; other control codes count as white space in Unicode.
    private static bool IsDropped(Rune rune) => rune.Value is 0 or 0xFFFD
        || (rune.Value is not ('\t' or '\n' or '\r')
            && Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.PrivateUse);

    private static string PartIdeographs(string text)
    {
        var result = new StringBuilder(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (IsIdeograph(rune.Value))
                result.Append(' ').Append(rune.ToString()).Append(' ');
            else
                result.Append(rune.ToString());
        }
        return result.ToString();
    }

    // The ranges of the original, which has U+2B920 where the block begins with U+2B820.
    private static bool IsIdeograph(int code) => code is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF)
        or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B73F) or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B920 and <= 0x2CEAF)
        or (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F);
}
