using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Generation;

/// <summary>The tokens that rows hold, as a tensor.</summary>
internal static class RowContext
{
    /// <summary>
    /// The prompts, with room for the new tokens before them; all other places hold the row's first token, which it holds anyway.
    /// </summary>
    /// <param name="prompts">[R] token ids, none empty.</param>
    /// <param name="newTokens">Most tokens that will be added.</param>
    /// <param name="device">Where it goes.</param>
    /// <returns>[R, newTokens + longest prompt] int64, in the current scope.</returns>
    public static Tensor Create(IReadOnlyList<int[]> prompts, int newTokens, Device device)
    {
        int width = newTokens + prompts.Max(prompt => prompt.Length);
        long[] ids = new long[prompts.Count * width];
        for (int row = 0; row < prompts.Count; row++)
            for (int i = 0; i < width; i++)
                ids[(row * width) + i] = prompts[row][i < newTokens + prompts[row].Length ? Math.Max(0, i - newTokens) : 0];
        return tensor(ids, device: device).view(prompts.Count, width);
    }
}
