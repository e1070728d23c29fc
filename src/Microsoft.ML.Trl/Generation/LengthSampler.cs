using System.Text.Json.Serialization;
using Microsoft.ML.Trl.Generation;

namespace Microsoft.ML.Trl;

/// <summary>
/// Draws lengths of responses or queries, each as likely as any other: TRL's <c>LengthSampler</c>. Immutable: the n-th length is a
/// function of the bounds, the seed and n.
/// </summary>
/// <example><c>int length = new LengthSampler(4, 16).Sample(step);</c></example>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record LengthSampler
{
    /// <summary>A sampler of the lengths from <paramref name="minValue"/> to <paramref name="maxValue"/> - 1.</summary>
    /// <param name="minValue">Shortest length in tokens. At least 1.</param>
    /// <param name="maxValue">One more than the longest length, as in TRL. Greater than <paramref name="minValue"/>.</param>
    /// <param name="seed">Decides the draws.</param>
    /// <exception cref="ArgumentException">A bound is out of range.</exception>
    public LengthSampler(int minValue, int maxValue, int seed = 0)
    {
        Require.AtLeast(minValue, 1);
        if (maxValue <= minValue)
            throw new ArgumentException(
                $"maxValue ({maxValue}) must be greater than minValue ({minValue}): lengths are drawn from minValue to maxValue - 1.",
                nameof(maxValue));
        (MinValue, MaxValue, Seed) = (minValue, maxValue, seed);
    }

    /// <summary>Shortest length in tokens.</summary>
    public int MinValue { get; }

    /// <summary>One more than the longest length in tokens.</summary>
    public int MaxValue { get; }

    /// <summary>Seed of the draws.</summary>
    public int Seed { get; }

    /// <summary>A length in tokens.</summary>
    /// <param name="draw">Number of the draw, such as that of the row or the batch; the same one always gives the same length.</param>
    public int Sample(long draw) => MinValue + (int)(new RowRandom(Seed, draw).Uniform(0) * ((long)MaxValue - MinValue));

    /// <summary>Generation options whose most new tokens are drawn.</summary>
    /// <exception cref="ArgumentException">Their fewest new tokens may be more than that.</exception>
    internal GenerationOptions Limit(GenerationOptions options, long draw) => options.MinNewTokens <= MinValue
        ? options with { MaxNewTokens = Sample(draw) }
        : throw new ArgumentException(
            $"MinNewTokens ({options.MinNewTokens}) is more than the shortest length that the LengthSampler draws ({MinValue}); "
            + $"set MinNewTokens to {MinValue} or less, or raise minValue.",
            nameof(options));
}
