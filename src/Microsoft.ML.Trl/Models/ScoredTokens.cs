using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Which token of a text a classifier reads.</summary>
internal static class ScoredTokens
{
    /// <summary>Fails unless there is a length for each row.</summary>
    /// <param name="ids">[B, T].</param>
    /// <param name="lengths">Real tokens of each row, from 1 to T.</param>
    /// <exception cref="ArgumentException">They do not fit.</exception>
    public static void Check(Tensor ids, IReadOnlyList<int> lengths)
    {
        ArgumentNullException.ThrowIfNull(lengths);
        long width = ids.shape[^1];
        if (lengths.Count != ids.shape[0] || lengths.Any(length => length < 1 || length > width))
            throw new ArgumentException(
                $"There must be one length from 1 to {width} for each of the {ids.shape[0]} rows; " +
                $"given were [{string.Join(", ", lengths)}].", nameof(lengths));
    }

    /// <summary>[B, T] bool, true on real tokens. The caller owns it.</summary>
    public static Tensor Mask(Tensor ids, IReadOnlyList<int> lengths)
    {
        using var scope = NewDisposeScope();
        Tensor places = arange(ids.shape[1], ScalarType.Int64, ids.device); // [T]
        return (places < tensor(lengths.ToArray(), device: ids.device).unsqueeze(-1)).MoveToOuterDisposeScope();
    }

    /// <summary>Each row's last real token that is not the pad token, its first where all are: the rule of transformers.</summary>
    /// <param name="ids">[B, T].</param>
    /// <param name="lengths">Real tokens of each row.</param>
    /// <param name="pad">Null = none.</param>
    /// <returns>[B] int64, counted over all rows: from 0 to B·T - 1. The caller owns it.</returns>
    public static Tensor Last(Tensor ids, IReadOnlyList<int> lengths, int? pad)
    {
        using var scope = NewDisposeScope();
        Tensor counts = Mask(ids, lengths);
        if (pad is { } token)
            counts = counts.logical_and(ids.ne(token));
        Tensor places = arange(ids.shape[1], ScalarType.Int64, ids.device);
        return (Firsts(ids) + (places * counts).amax([-1])).MoveToOuterDisposeScope();
    }

    /// <summary>Each row's first token.</summary>
    /// <returns>[B] int64, counted over all rows. The caller owns it.</returns>
    public static Tensor Firsts(Tensor ids)
    {
        using var scope = NewDisposeScope();
        return (arange(ids.shape[0], ScalarType.Int64, ids.device) * ids.shape[1]).MoveToOuterDisposeScope();
    }
}
