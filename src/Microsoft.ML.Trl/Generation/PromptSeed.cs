namespace Microsoft.ML.Trl.Generation;

/// <summary>
/// A number that a prompt always gives, on every machine. Chance that begins with it makes a completion depend on its prompt alone: splits,
/// caching, order, batch size and prediction engines all see the same text (in bfloat16 but for rounding, which differs with the batch).
/// </summary>
internal static class PromptSeed
{
    private const long Stride = 0x5851F42D4C957F2D; // odd and of mixed bits: no two numbers of samples fall together

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

    /// <summary>One of several numbers of a prompt, each as good as the first.</summary>
    /// <param name="prompt">The text.</param>
    /// <param name="sample">Which one; 0 = the number that stands for the prompt alone.</param>
    public static long OfSample(string prompt, int sample) => OfSample(Of(prompt), sample);

    /// <summary>The same from the number of a prompt.</summary>
    /// <param name="seed">The number that stands for the prompt alone.</param>
    /// <param name="sample">Which one; 0 = that number itself.</param>
    public static long OfSample(long seed, int sample) => unchecked(seed + (sample * Stride));
}
