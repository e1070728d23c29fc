using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>
/// Who sees whom in one call of a decoder: each token sees the real tokens before it and itself, as far back as the window reaches.
/// Built once per call and shared by all blocks. Its tensors belong to the dispose scope of that call.
/// </summary>
internal sealed class AttentionPattern
{
    private readonly Tensor? _real; // [B, S] bool; null when every token is real
    private readonly Device _device;
    private readonly DisposeScope _scope = CurrentDisposeScope!;
    private readonly Dictionary<int, Tensor?> _forbidden = [];
    private Tensor? _positions;

    private AttentionPattern(long batch, long length, long past, Tensor? real, int[]? starts, Device device)
        => (Batch, Length, Past, _real, Starts, _device) = (batch, length, past, real, starts, device);

    /// <summary>Sequences.</summary>
    public long Batch { get; }

    /// <summary>New tokens per sequence.</summary>
    public long Length { get; }

    /// <summary>Tokens per sequence that are in the cache.</summary>
    public long Past { get; }

    /// <summary>Per row, the padding before its first real token; null when there is none anywhere, or when the mask has holes.</summary>
    public int[]? Starts { get; }

    /// <summary>Whether <see cref="Starts"/> says all there is to know; false when a row is padded in its middle or lies on another device.</summary>
    public bool IsLeftPaddedAtMost => _real is null || Starts is not null;

    /// <summary>Places of the new tokens in their texts, padding not counted: [T] when nothing is padded, else [B, T]. int64.</summary>
    public Tensor Positions => _positions ??= CountPositions();

    /// <summary>Reads the shapes and the mask.</summary>
    /// <param name="ids">[B, T] int64.</param>
    /// <param name="mask">[B, past + T], true (or not 0) on real tokens; null when all are real or the padding is on the right.</param>
    /// <param name="past">Tokens in the cache.</param>
    /// <param name="contextLength">Longest sequence of the model.</param>
    /// <exception cref="ArgumentException">A shape does not fit, or the sequence is longer than the model's context.</exception>
    public static AttentionPattern Create(Tensor ids, Tensor? mask, long past, int contextLength)
    {
        long[] shape = ids.shape;
        if (shape.Length != 2 || ids.dtype != ScalarType.Int64)
            throw new ArgumentException($"Token ids must be int64 of shape [batch, length]; they are {ids.dtype} of shape [{string.Join(", ", shape)}].", nameof(ids));
        (long batch, long length) = (shape[0], shape[1]);
        if (mask is null)
        {
            CheckContext(past + length, contextLength);
            return new AttentionPattern(batch, length, past, null, null, ids.device);
        }
        if (!mask.shape.SequenceEqual([batch, past + length]))
            throw new ArgumentException($"The mask must have shape [{batch}, {past + length}] (cached and new tokens); it has [{string.Join(", ", mask.shape)}].", nameof(mask));
        Tensor real = mask.dtype == ScalarType.Bool ? mask : mask.ne(0);
        if (real.device_type != DeviceType.CPU)
            return new AttentionPattern(batch, length, past, real, null, ids.device);
        int[]? starts = FindStarts(real, out int longest);
        CheckContext(longest, contextLength);
        bool isFull = starts is not null && Array.TrueForAll(starts, start => start == 0);
        return new AttentionPattern(batch, length, past, isFull ? null : real, isFull ? null : starts, ids.device);
    }

    /// <summary>True where a query must not see a key: [B or 1, 1, T, S] bool. Null when every query sees every key.</summary>
    /// <param name="window">Tokens a query looks back, itself included; null without limit.</param>
    public Tensor? Forbidden(int? window)
    {
        int key = window ?? int.MaxValue;
        if (!_forbidden.TryGetValue(key, out Tensor? forbidden))
            _forbidden[key] = forbidden = BuildForbidden(window);
        return forbidden;
    }

    private static void CheckContext(long tokens, int contextLength)
    {
        if (tokens > contextLength)
            throw new ArgumentException($"The sequence has {tokens} tokens, but the model's context holds {contextLength}; shorten the texts or set a smaller maximum length.");
    }

    private Tensor? BuildForbidden(int? window)
    {
        if (Length == 1 && _real is null && (window is null || Past < window))
            return null;
        using var scope = NewDisposeScope();
        Tensor query = arange(Past, Past + Length, ScalarType.Int64, _device).unsqueeze(-1); // [T, 1]
        Tensor key = arange(Past + Length, ScalarType.Int64, _device).unsqueeze(0);          // [1, S]
        Tensor hidden = key.gt(query);
        if (window is { } reach)
            hidden = hidden.logical_or(key.le(query - reach));
        hidden = hidden.view(1, 1, Length, Past + Length);
        if (_real is not null) // padding sees itself, so that no row of the softmax is empty
            hidden = hidden.logical_or(_real.logical_not().view(Batch, 1, 1, Past + Length).logical_and(key.ne(query)));
        return hidden.MoveToOtherDisposeScope(_scope);
    }

    private Tensor CountPositions()
    {
        using var scope = NewDisposeScope(); // a tensor that is moved to the very scope it is in would be lost to it
        if (_real is null)
            return arange(Past, Past + Length, ScalarType.Int64, _device).MoveToOtherDisposeScope(_scope);
        return _real.to_type(ScalarType.Int64).cumsum(1).sub_(1).clamp_(0).narrow(1, Past, Length).MoveToOtherDisposeScope(_scope);
    }

    /// <summary>Padding before each row's first real token. Null when a padded place lies between real ones.</summary>
    private static int[]? FindStarts(Tensor real, out int longest)
    {
        using var scope = NewDisposeScope();
        longest = 0;
        bool hasHoles = false;
        int width = (int)real.shape[1];
        ReadOnlySpan<byte> mask = real.contiguous().bytes;
        int[] starts = new int[real.shape[0]];
        for (int row = 0; row < starts.Length; row++)
        {
            ReadOnlySpan<byte> places = mask.Slice(row * width, width);
            int first = places.IndexOfAnyExcept((byte)0);
            starts[row] = first < 0 ? width - 1 : first;
            ReadOnlySpan<byte> rest = places[starts[row]..];
            int gap = rest.IndexOf((byte)0);
            hasHoles |= first >= 0 && gap >= 0 && rest[gap..].ContainsAnyExcept((byte)0);
            longest = Math.Max(longest, width - places.Count((byte)0));
        }
        return hasHoles ? null : starts;
    }
}
