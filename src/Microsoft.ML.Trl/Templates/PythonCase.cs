using System.Globalization;
using System.Text;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Upper and lower case as Python's str has them: with the letters that become several, and the final sigma.</summary>
internal static class PythonCase
{
    public static string Upper(string text)
    {
        var upper = new StringBuilder(text.Length);
        foreach (char character in text.ToUpperInvariant())
            upper.Append(Several(character) ?? character.ToString());
        return upper.ToString();
    }

    public static string Lower(string text)
    {
        string lower = text.ToLowerInvariant().Replace("\u0130", "i\u0307", StringComparison.Ordinal);
        if (!lower.Contains('σ') || !text.Contains('Σ'))
            return lower;
        var final = new StringBuilder(lower);
        for (int i = 0; i < text.Length && i < final.Length && text.Length == lower.Length; i++)
            if (text[i] == 'Σ' && i > 0 && char.IsLetter(text[i - 1]) && !(i + 1 < text.Length && char.IsLetter(text[i + 1])))
                final[i] = 'ς';
        return final.ToString();
    }

    /// <summary>The first character upper case, the rest lower case.</summary>
    public static string Capitalize(string text)
    {
        int first = CodePoints.Offset(text, 1);
        return TitleOf(text[..first]) + Lower(text[first..]);
    }

    /// <summary>str.title: upper case behind whatever is no letter.</summary>
    public static string Title(string text)
    {
        var title = new StringBuilder(text.Length);
        bool isInWord = false;
        foreach (string character in CodePoints.Of(text))
        {
            title.Append(isInWord ? Lower(character) : TitleOf(character));
            isInWord = IsCased(character);
        }
        return title.ToString();
    }

    /// <summary>The filter: upper case behind white space, hyphens and opening brackets.</summary>
    public static string TitleWords(string text)
    {
        var title = new StringBuilder(text.Length);
        bool isInWord = false;
        foreach (string character in CodePoints.Of(text))
        {
            title.Append(isInWord ? Lower(character) : Upper(character));
            isInWord = !(PythonSpace.Is(character[0]) || character[0] is '-' or '(' or '{' or '[' or '<');
        }
        return title.ToString();
    }

    public static string Swap(string text)
        => string.Concat(CodePoints.Of(text).Select(character => Lower(character) != character ? Lower(character) : Upper(character)));

    /// <summary>Whether there are cased characters, all of this case.</summary>
    public static bool IsAll(string text, bool upper)
    {
        bool isFound = false;
        foreach (string character in CodePoints.Of(text))
        {
            bool isUpper = Lower(character) != character, isLower = !isUpper && IsCased(character);
            if (upper ? isLower : isUpper)
                return false;
            isFound |= isUpper || isLower;
        }
        return isFound;
    }

    public static bool IsTitle(string text) => text.Any(char.IsLetter) && Title(text) == text;

    private static bool IsCased(string character) => CharUnicodeInfo.GetUnicodeCategory(character, 0)
        is UnicodeCategory.UppercaseLetter or UnicodeCategory.LowercaseLetter or UnicodeCategory.TitlecaseLetter;

    private static string TitleOf(string character)
    {
        string upper = Upper(character);
        return upper.Length > character.Length && upper.Length > 1 ? upper[..1] + Lower(upper[1..]) : upper;
    }

    // the lower-case letters that have no upper-case letter of their own
    private static string? Several(char character) => character switch
    {
        'ß' => "SS",
        '\u0149' => "\u02bcN",
        '\u01f0' => "J\u030c",
        '\u0390' => "\u0399\u0308\u0301",
        '\u03b0' => "\u03a5\u0308\u0301",
        '\u0587' => "\u0535\u0552",
        '\ufb00' => "FF",
        '\ufb01' => "FI",
        '\ufb02' => "FL",
        '\ufb03' => "FFI",
        '\ufb04' => "FFL",
        '\ufb05' or '\ufb06' => "ST",
        _ => null,
    };
}
