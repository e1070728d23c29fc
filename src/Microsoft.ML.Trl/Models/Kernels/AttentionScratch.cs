using System.Runtime.InteropServices;

namespace Microsoft.ML.Trl.Models;

/// <summary>Memory in which the attention of one row and head is worked out: copies that lie close together, padded for vectors. One at a time per thread.</summary>
internal sealed unsafe class AttentionScratch
{
    [ThreadStatic]
    private static Room? _room;

    /// <summary>Most queries of a block.</summary>
    public const int Block = 32;

    private readonly int _seen;
    private readonly int _width;

    public AttentionScratch(AttentionShape shape, bool isBackward)
    {
        (_seen, _width) = (shape.Seen, shape.HeadSize);
        Wide = Padded(_width);
        Line = Padded(_seen);
        nint transposed = (nint)_width * Line;
        nint upright = (nint)_seen * Wide;
        nint block = (nint)Block * Wide;
        nint total = (isBackward ? (2 * transposed) + (4 * upright) : transposed + (2 * upright)) + (3 * block) + (2 * Block * (nint)Line);
        float* next = Rent(total);
        float* Reserve(nint count) => (next += count) - count;
        KeysTransposed = Reserve(transposed);
        Keys = Reserve(upright);
        Values = Reserve(upright);
        Queries = Reserve(block);
        Mixed = Reserve(block);
        Slope = Reserve(block);
        Scores = Reserve(Block * (nint)Line);
        Slopes = Reserve(Block * (nint)Line);
        if (!isBackward)
            return;
        ValuesTransposed = Reserve(transposed);
        KeysSlope = Reserve(upright);
        ValuesSlope = Reserve(upright);
    }

    /// <summary>Floats of a padded head vector.</summary>
    public int Wide { get; }

    /// <summary>Floats of a padded line of scores, one per key.</summary>
    public int Line { get; }

    /// <summary>[d, <see cref="Line"/>].</summary>
    public float* KeysTransposed { get; }

    /// <summary>[d, <see cref="Line"/>].</summary>
    public float* ValuesTransposed { get; }

    /// <summary>[keys, <see cref="Wide"/>].</summary>
    public float* Keys { get; }

    /// <summary>[keys, <see cref="Wide"/>].</summary>
    public float* Values { get; }

    /// <summary>[keys, <see cref="Wide"/>] gradient of the keys.</summary>
    public float* KeysSlope { get; }

    /// <summary>[keys, <see cref="Wide"/>] gradient of the values.</summary>
    public float* ValuesSlope { get; }

    /// <summary>[block, <see cref="Wide"/>].</summary>
    public float* Queries { get; }

    /// <summary>[block, <see cref="Wide"/>] gradient of the output.</summary>
    public float* Slope { get; }

    /// <summary>[block, <see cref="Wide"/>] a result.</summary>
    public float* Mixed { get; }

    /// <summary>[block, <see cref="Line"/>].</summary>
    public float* Scores { get; }

    /// <summary>[block, <see cref="Line"/>] gradient of the scores.</summary>
    public float* Slopes { get; }

    /// <summary>Copies vectors, times a factor, into rows padded with 0.</summary>
    public void Pack(float* from, nint step, int count, float factor, float* to)
    {
        HeadRows.Copy(from, step, to, Wide, count, _width, factor);
        for (int i = 0; i < count && Wide > _width; i++)
            new Span<float>(to + (i * Wide) + _width, Wide - _width).Clear();
    }

    /// <summary>Copies packed vectors of all keys as columns; the padding of each line becomes 0.</summary>
    public void Transpose(float* packed, float* to) => HeadRows.Transpose(packed, Wide, to, Line, _seen, _width);

    /// <summary>Copies padded rows, times a factor, back to vectors.</summary>
    public void Unpack(float* from, int count, float factor, float* to, nint step) => HeadRows.Copy(from, Wide, to, step, count, _width, factor);

    /// <summary>Sets the gradients of keys and values to 0.</summary>
    public void ClearSlopes()
    {
        NativeMemory.Clear(KeysSlope, (nuint)((nint)_seen * Wide * sizeof(float)));
        NativeMemory.Clear(ValuesSlope, (nuint)((nint)_seen * Wide * sizeof(float)));
    }

    /// <summary>Memory of the calling thread, kept from one piece of work to the next.</summary>
    private static float* Rent(nint count)
    {
        if (_room is null || _room.Count < count)
        {
            _room?.Dispose();
            _room = new Room(count);
        }
        return _room.Memory;
    }

    private static int Padded(int count) => (count + SmallMatMul.Width - 1) / SmallMatMul.Width * SmallMatMul.Width;

    /// <summary>Memory that goes when its thread does.</summary>
    private sealed class Room(nint count) : IDisposable
    {
        public nint Count => count;

        public float* Memory { get; private set; } = (float*)NativeMemory.AlignedAlloc((nuint)(count * sizeof(float)), 64);

        ~Room() => NativeMemory.AlignedFree(Memory);

        public void Dispose()
        {
            NativeMemory.AlignedFree(Memory);
            Memory = null;
            GC.SuppressFinalize(this);
        }
    }
}
