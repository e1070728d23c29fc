using System.Numerics.Tensors;

namespace Microsoft.ML.Trl.Models;

/// <summary>
/// Attention over float32 memory. Each head of each row is one piece of work; its scores live in a few cached rows only, are worked out
/// again on the way back (as in arXiv:2205.14135), and keys that no query of a block may see are never touched.
/// </summary>
internal static unsafe class AttentionKernel
{
    private const int Block = AttentionScratch.Block; // queries per block

    /// <param name="shape">Sizes and who sees whom.</param>
    /// <param name="queries">The queries.</param>
    /// <param name="keys">The keys, those of the past included.</param>
    /// <param name="values">The values, those of the past included.</param>
    /// <param name="output">Receives the mixed values.</param>
    /// <param name="logSums">[B, h, T] receives the logarithm of each softmax's denominator; null when there will be no way back.</param>
    public static void Forward(AttentionShape shape, HeadView queries, HeadView keys, HeadView values, HeadView output, float* logSums) =>
        HostThreads.ForEach(shape.Batch * shape.SharedHeads, work =>
        {
            (int row, int shared) = (work / shape.SharedHeads, work % shape.SharedHeads);
            AttentionScratch scratch = new(shape, isBackward: false);
            scratch.Pack(keys.At(row, shared), keys.Token, shape.Seen, 1, scratch.Keys);
            scratch.Transpose(scratch.Keys, scratch.KeysTransposed);
            scratch.Pack(values.At(row, shared), values.Token, shape.Seen, 1, scratch.Values);
            int group = shape.Heads / shape.SharedHeads;
            for (int head = shared * group; head < (shared + 1) * group; head++)
                for (int first = 0; first < shape.Length; first += Block)
                {
                    int count = Math.Min(Block, shape.Length - first);
                    float* sums = logSums == null ? null : logSums + (((nint)row * shape.Heads + head) * shape.Length) + first;
                    MixBlock(shape, scratch, row, first, count, queries.At(row, head) + (first * queries.Token), queries.Token, output.At(row, head) + (first * output.Token), output.Token, sums);
                }
        });

    /// <param name="shape">Sizes and who sees whom; without a past.</param>
    /// <param name="queries">The queries.</param>
    /// <param name="keys">The keys.</param>
    /// <param name="values">The values.</param>
    /// <param name="logSums">As <see cref="Forward"/> left it.</param>
    /// <param name="slope">Gradient of the output.</param>
    /// <param name="queriesSlope">Receives the gradient of the queries.</param>
    /// <param name="keysSlope">Receives the gradient of the keys.</param>
    /// <param name="valuesSlope">Receives the gradient of the values.</param>
    public static void Backward(
        AttentionShape shape, HeadView queries, HeadView keys, HeadView values, float* logSums, HeadView slope, HeadView queriesSlope, HeadView keysSlope, HeadView valuesSlope) =>
        HostThreads.ForEach(shape.Batch * shape.SharedHeads, work =>
        {
            (int row, int shared) = (work / shape.SharedHeads, work % shape.SharedHeads);
            AttentionScratch scratch = new(shape, isBackward: true);
            scratch.Pack(keys.At(row, shared), keys.Token, shape.Seen, 1, scratch.Keys);
            scratch.Pack(values.At(row, shared), values.Token, shape.Seen, 1, scratch.Values);
            scratch.Transpose(scratch.Keys, scratch.KeysTransposed);
            scratch.Transpose(scratch.Values, scratch.ValuesTransposed);
            scratch.ClearSlopes();
            int group = shape.Heads / shape.SharedHeads;
            for (int head = shared * group; head < (shared + 1) * group; head++)
                for (int first = 0; first < shape.Length; first += Block)
                {
                    int count = Math.Min(Block, shape.Length - first);
                    scratch.Pack(queries.At(row, head) + (first * queries.Token), queries.Token, count, shape.Scale, scratch.Queries);
                    scratch.Pack(slope.At(row, head) + (first * slope.Token), slope.Token, count, 1, scratch.Slope);
                    BackBlock(shape, scratch, row, first, count, logSums + (((nint)row * shape.Heads + head) * shape.Length) + first);
                    scratch.Unpack(scratch.Mixed, count, shape.Scale, queriesSlope.At(row, head) + (first * queriesSlope.Token), queriesSlope.Token);
                }
            scratch.Unpack(scratch.KeysSlope, shape.Seen, 1, keysSlope.At(row, shared), keysSlope.Token);
            scratch.Unpack(scratch.ValuesSlope, shape.Seen, 1, valuesSlope.At(row, shared), valuesSlope.Token);
        });

    private static void MixBlock(AttentionShape shape, AttentionScratch scratch, int row, int first, int count, float* queries, nint queryStep, float* output, nint outputStep, float* sums)
    {
        scratch.Pack(queries, queryStep, count, shape.Scale, scratch.Queries);
        (int low, int high) = Scores(shape, scratch, row, first, count);
        float* shares = stackalloc float[Block];
        for (int i = 0; i < count; i++)
        {
            Span<float> line = Line(scratch, scratch.Scores, i, low, high);
            int from = shape.FirstKey(row, first + i) - low;
            Span<float> seen = line[from..(shape.Past + first + i + 1 - low)];
            float top = TensorPrimitives.Max(seen);
            float sum = VectorExp.Shifted(scratch.Scores + (i * scratch.Line) + low + from, seen.Length, top);
            shares[i] = 1 / sum;
            if (sums != null)
                sums[i] = top + MathF.Log(sum);
            line[..from].Clear();
            line[(from + seen.Length)..].Clear();
        }
        SmallMatMul.Run(scratch.Scores + low, scratch.Line, 1, scratch.Values + (low * scratch.Wide), scratch.Wide, scratch.Mixed, scratch.Wide, count, scratch.Wide, high - low, add: false);
        for (int i = 0; i < count; i++)
            TensorPrimitives.Multiply(new ReadOnlySpan<float>(scratch.Mixed + (i * scratch.Wide), shape.HeadSize), shares[i], new Span<float>(output + (i * outputStep), shape.HeadSize));
    }

    private static void BackBlock(AttentionShape shape, AttentionScratch scratch, int row, int first, int count, float* sums)
    {
        (int low, int high) = Scores(shape, scratch, row, first, count);
        int aligned = Aligned(low);
        SmallMatMul.Run(scratch.Slope, scratch.Wide, 1, scratch.ValuesTransposed + aligned, scratch.Line, scratch.Slopes + aligned, scratch.Line, count, Padded(high - aligned), shape.HeadSize, add: false);
        for (int i = 0; i < count; i++)
        {
            Span<float> line = Line(scratch, scratch.Scores, i, low, high);
            Span<float> slopes = Line(scratch, scratch.Slopes, i, low, high);
            int from = shape.FirstKey(row, first + i) - low;
            int to = shape.Past + first + i + 1 - low;
            Span<float> seen = line[from..to];
            VectorExp.Shifted(scratch.Scores + (i * scratch.Line) + low + from, seen.Length, sums[i]); // the softmax
            Span<float> back = slopes[from..to];
            TensorPrimitives.Subtract(back, TensorPrimitives.Dot(seen, back), back);
            TensorPrimitives.Multiply(back, seen, back);
            line[..from].Clear();
            line[to..].Clear();
            slopes[..from].Clear();
            slopes[to..].Clear();
        }
        int keys = high - low;
        SmallMatMul.Run(scratch.Slopes + low, scratch.Line, 1, scratch.Keys + (low * scratch.Wide), scratch.Wide, scratch.Mixed, scratch.Wide, count, scratch.Wide, keys, add: false);
        SmallMatMul.Run(scratch.Slopes + low, 1, scratch.Line, scratch.Queries, scratch.Wide, scratch.KeysSlope + (low * scratch.Wide), scratch.Wide, keys, scratch.Wide, count, add: true);
        SmallMatMul.Run(scratch.Scores + low, 1, scratch.Line, scratch.Slope, scratch.Wide, scratch.ValuesSlope + (low * scratch.Wide), scratch.Wide, keys, scratch.Wide, count, add: true);
    }

    /// <summary>Scores of a block of packed queries against all keys that one of them sees.</summary>
    /// <returns>The range of those keys.</returns>
    private static (int Low, int High) Scores(AttentionShape shape, AttentionScratch scratch, int row, int first, int count)
    {
        int low = int.MaxValue;
        for (int i = 0; i < count; i++)
            low = Math.Min(low, shape.FirstKey(row, first + i));
        int high = shape.Past + first + count;
        int aligned = Aligned(low);
        SmallMatMul.Run(scratch.Queries, scratch.Wide, 1, scratch.KeysTransposed + aligned, scratch.Line, scratch.Scores + aligned, scratch.Line, count, Padded(high - aligned), shape.HeadSize, add: false);
        return (low, high);
    }

    private static Span<float> Line(AttentionScratch scratch, float* scores, int query, int low, int high) => new(scores + (query * scratch.Line) + low, high - low);

    private static int Aligned(int key) => key / SmallMatMul.Width * SmallMatMul.Width;

    private static int Padded(int count) => (count + SmallMatMul.Width - 1) / SmallMatMul.Width * SmallMatMul.Width;
}
