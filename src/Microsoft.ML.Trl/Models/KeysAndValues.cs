using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>What attention looks at.</summary>
/// <param name="Keys">[B, kv, S, d].</param>
/// <param name="Values">[B, kv, S, d].</param>
internal sealed record KeysAndValues(Tensor Keys, Tensor Values)
{
    /// <summary>
    /// What stands before them, [G, kv, P, d], where B / G texts that stand one behind the other share it; null = nothing does.
    /// </summary>
    public KeysAndValues? Shared { get; init; }

    /// <summary>The last of them alone, counted over both.</summary>
    /// <param name="count">How many; null = all.</param>
    /// <returns>In the current scope.</returns>
    public KeysAndValues Last(long? count)
    {
        if (count is not { } left)
            return this;
        long own = Math.Min(left, Keys.shape[2]);
        return new KeysAndValues(LastOf(Keys, own), LastOf(Values, own)) { Shared = left > own ? Shared?.Last(left - own) : null };
    }

    private static Tensor LastOf(Tensor tensor, long count) => tensor.narrow(2, tensor.shape[2] - count, count);
}
