namespace Microsoft.ML.Trl.Generation;

/// <summary>
/// A number that a prompt always gives, on every machine. Chance that begins with it makes a completion depend on its prompt alone: splits,
/// caching, order, batch size and prediction engines all see the same text (in bfloat16 but for rounding, which differs with the batch).
/// </summary>
internal static class PromptSeed
{
    /// <summary>FNV-1a over the UTF-16 units of the text, 64 bits.</summary>
    public static long Of(string prompt)
    {
        ulong hash = 14695981039346656037;
        foreach (char unit in prompt)
        {
            hash = (hash ^ (byte)unit) * 1099511628211;
            hash = (hash ^ (byte)(unit >> 8)) * 1099511628211;
        }
        return (long)hash;
    }
}
