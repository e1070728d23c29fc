namespace Microsoft.ML.Trl.Models;

/// <summary>Sizes of an attention problem and who sees whom.</summary>
internal sealed record AttentionShape
{
    public required int Batch { get; init; }

    /// <summary>Queries per row.</summary>
    public required int Length { get; init; }

    /// <summary>Keys per row that come before the first query.</summary>
    public required int Past { get; init; }

    public required int Heads { get; init; }

    /// <summary>Heads of keys and values; divides <see cref="Heads"/>.</summary>
    public required int SharedHeads { get; init; }

    public required int HeadSize { get; init; }

    public required float Scale { get; init; }

    /// <summary>Tokens a query looks back, itself included.</summary>
    public int? Window { get; init; }

    /// <summary>Per row, keys that are padding before the first real one; null for none.</summary>
    public int[]? Starts { get; init; }

    /// <summary>Keys per row.</summary>
    public int Seen => Past + Length;

    /// <summary>First key that a query sees; the last is the query itself.</summary>
    /// <param name="row">Row of the batch.</param>
    /// <param name="query">Number of the query among the new tokens.</param>
    public int FirstKey(int row, int query)
    {
        int self = Past + query;
        int first = Math.Max(Starts?[row] ?? 0, Window is { } window ? self - window + 1 : 0);
        return Math.Min(first, self); // padding sees itself
    }

    public static AttentionShape Of(AttentionPattern pattern, int heads, int sharedHeads, int headSize, double scale, int? window) => new()
    {
        Batch = (int)pattern.Batch,
        Length = (int)pattern.Length,
        Past = (int)pattern.Past,
        Heads = heads,
        SharedHeads = sharedHeads,
        HeadSize = headSize,
        Scale = (float)scale,
        Window = window,
        Starts = pattern.Starts,
    };
}
