using System.Numerics.Tensors;
using System.Runtime.InteropServices;

namespace Microsoft.ML.Trl.Models.Kernels;

/// <summary>Memory in which the attention of one row and head is worked out: copies that lie close together, padded for vectors.</summary>
internal sealed unsafe class AttentionScratch : IDisposable
{
    /// <summary>Most queries of a block.</summary>
    public const int Block = 32;

    private readonly int _seen;
    private readonly int _width;
    private readonly float* _memory;

    public AttentionScratch(AttentionShape shape, bool isBackward)
    {
        (_seen, _width) = (shape.Seen, shape.HeadSize);
        Wide = Padded(_width);
        Line = Padded(_seen);
        nint transposed = (nint)_width * Line;
        nint upright = (nint)_seen * Wide;
        nint block = (nint)Block * Wide;
        nint total = isBackward ? (2 * transposed) + (3 * upright) + (3 * block) + (2 * Block * (nint)Line) : transposed + upright + (2 * block) + (Block * (nint)Line);
        float* next = _memory = (float*)NativeMemory.AlignedAlloc((nuint)(total * sizeof(float)), 64);
        float* Reserve(nint count) => (next += count) - count;
        KeysTransposed = Reserve(transposed);
        Queries = Reserve(block);
        Mixed = Reserve(block);
        Scores = Reserve(Block * (nint)Line);
        if (!isBackward)
        {
            Values = Reserve(upright);
            return;
        }
        ValuesTransposed = Reserve(transposed);
        Keys = Reserve(upright);
        KeysSlope = Reserve(upright);
        ValuesSlope = Reserve(upright);
        Slope = Reserve(block);
        Slopes = Reserve(Block * (nint)Line);
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

    public void Dispose() => NativeMemory.AlignedFree(_memory);

    /// <summary>Copies vectors, times a factor, into rows padded with 0.</summary>
    public void Pack(float* from, nint step, int count, float factor, float* to)
    {
        for (int i = 0; i < count; i++, from += step, to += Wide)
        {
            TensorPrimitives.Multiply(new ReadOnlySpan<float>(from, _width), factor, new Span<float>(to, _width));
            new Span<float>(to + _width, Wide - _width).Clear();
        }
    }

    /// <summary>Copies the vectors of all keys as columns; the padding of each line becomes 0.</summary>
    public void PackTransposed(float* from, nint step, float* to)
    {
        for (int dimension = 0; dimension < _width; dimension++)
            new Span<float>(to + ((nint)dimension * Line) + _seen, Line - _seen).Clear();
        for (int key = 0; key < _seen; key++, from += step)
            for (int dimension = 0; dimension < _width; dimension++)
                to[((nint)dimension * Line) + key] = from[dimension];
    }

    /// <summary>Copies padded rows, times a factor, back to vectors.</summary>
    public void Unpack(float* from, int count, float factor, float* to, nint step)
    {
        for (int i = 0; i < count; i++, from += Wide, to += step)
            TensorPrimitives.Multiply(new ReadOnlySpan<float>(from, _width), factor, new Span<float>(to, _width));
    }

    /// <summary>Sets the gradients of keys and values to 0.</summary>
    public void ClearSlopes()
    {
        NativeMemory.Clear(KeysSlope, (nuint)((nint)_seen * Wide * sizeof(float)));
        NativeMemory.Clear(ValuesSlope, (nuint)((nint)_seen * Wide * sizeof(float)));
    }

    private static int Padded(int count) => (count + SmallMatMul.Width - 1) / SmallMatMul.Width * SmallMatMul.Width;
}
