namespace Microsoft.ML.Trl.Templates;

/// <summary>White space as Python's str.isspace and str.strip see it.</summary>
internal static class PythonSpace
{
    public static bool Is(char character) => char.IsWhiteSpace(character) || character is >= '\x1c' and <= '\x1f';

    /// <summary>Whether a line ends here (str.splitlines).</summary>
    public static bool IsLineEnd(char character)
        => character is '\n' or '\r' or '\v' or '\f' or '\u0085' or '\u2028' or '\u2029' or (>= '\x1c' and <= '\x1e');

    /// <summary>str.strip: of the given characters, or of white space where none are given.</summary>
    public static string Strip(string text, string? characters = null, bool start = true, bool end = true)
    {
        int first = 0, last = text.Length;
        while (start && first < last && IsStripped(text[first], characters))
            first++;
        while (end && last > first && IsStripped(text[last - 1], characters))
            last--;
        return text[first..last];
    }

    private static bool IsStripped(char character, string? characters)
        => characters is null ? Is(character) : characters.Contains(character);
}
