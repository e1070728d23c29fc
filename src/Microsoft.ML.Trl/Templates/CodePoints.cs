namespace Microsoft.ML.Trl.Templates;

/// <summary>Texts by code points, as Python counts them; a lone surrogate is one.</summary>
internal static class CodePoints
{
    public static int Count(string text)
    {
        int pairs = 0;
        for (int i = text.AsSpan().IndexOfAnyInRange('\ud800', '\udbff'); i >= 0 && i + 1 < text.Length; i++)
            if (char.IsSurrogatePair(text[i], text[i + 1]))
                pairs++;
        return text.Length - pairs;
    }

    /// <summary>The code points, each as a text.</summary>
    public static IEnumerable<string> Of(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            bool isPair = i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]);
            yield return isPair ? text.Substring(i, 2) : text[i].ToString();
            i += isPair ? 1 : 0;
        }
    }

    /// <summary>Where in UTF-16 a code point begins.</summary>
    public static int Offset(string text, int codePoint)
    {
        int offset = 0;
        for (; codePoint > 0 && offset < text.Length; codePoint--)
            offset += offset + 1 < text.Length && char.IsSurrogatePair(text[offset], text[offset + 1]) ? 2 : 1;
        return offset;
    }

    /// <summary>The number of the code point that begins at an offset.</summary>
    public static int Index(string text, int offset) => Count(text[..offset]);

    /// <summary>Order by code points, which is not that of UTF-16 units.</summary>
    public static int Compare(string left, string right)
    {
        int same = left.AsSpan().CommonPrefixLength(right);
        if (same == left.Length || same == right.Length)
            return left.Length.CompareTo(right.Length);
        bool isLeftHigh = char.IsSurrogate(left[same]), isRightHigh = char.IsSurrogate(right[same]);
        return isLeftHigh == isRightHigh ? left[same].CompareTo(right[same]) : isLeftHigh.CompareTo(isRightHigh);
    }
}
