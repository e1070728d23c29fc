namespace Microsoft.ML.Trl.Text;

/// <summary>Figures of the words of texts.</summary>
internal static class WordRuns
{
    /// <summary>Different runs of words, as a share of all; NaN where there is none.</summary>
    /// <param name="texts">Words are what stands between white space.</param>
    /// <param name="length">Words of a run.</param>
    public static double Distinct(IEnumerable<string> texts, int length)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        int all = 0;
        foreach (string text in texts)
        {
            string[] words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            for (int start = 0; start + length <= words.Length; start++, all++)
                seen.Add(string.Join(' ', words[start..(start + length)]));
        }
        return all == 0 ? double.NaN : seen.Count / (double)all;
    }
}
