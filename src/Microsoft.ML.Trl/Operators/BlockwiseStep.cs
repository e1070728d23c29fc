using System.Numerics;
using System.Runtime.CompilerServices;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Operators;

/// <summary>
/// One step of an optimizer with moments in 8 bits, a block at a time: moments become float32, move, change the weights, and become 8 bits
/// again, all in the first cache. Weights and gradients may be bfloat16, gradients float16 too. On the CPU; each result is a function of
/// its block alone, whatever the number of threads.
/// </summary>
/// <param name="numbers">Those of the step.</param>
internal sealed unsafe class BlockwiseStep(BlockwiseStep.Numbers numbers)
{
    private const int Size = BlockwiseMoment.BlockSize;
    private const int WorthAThread = 64; // blocks

    /// <summary>The numbers of a step.</summary>
    /// <param name="Beta1">Decay of the mean of gradients; of LION in the update.</param>
    /// <param name="Beta2">Decay of the mean of squares; of LION of the mean of gradients.</param>
    /// <param name="Epsilon">Added to Adam's root.</param>
    /// <param name="Rate">Of Adam with the correction of the first moment's bias in it.</param>
    /// <param name="RootFactor">Of Adam's root: the correction of the second moment's bias.</param>
    /// <param name="Keep">Share of the weights that decay leaves.</param>
    /// <param name="Added">Share of the weights that is added to the gradient.</param>
    /// <param name="GradientFactor">Of the gradient, first of all.</param>
    /// <param name="Seed">Of the rounding of bfloat16 weights.</param>
    public readonly record struct Numbers(
        float Beta1, float Beta2, float Epsilon, float Rate, float RootFactor, float Keep, float Added, float GradientFactor, ulong Seed);

    private readonly record struct Memory(nint Weights, nint Gradients, nint Means, nint MeanScales, nint Squares, nint SquareScales)
    {
        public long Count { get; init; }

        public ScalarType GradientType { get; init; }

        public bool RoundsWeights { get; init; }
    }

    /// <summary>Whether the kernel takes these tensors; otherwise libtorch's operators must do.</summary>
    public static bool Takes(Tensor weights, Tensor gradients) =>
        weights.device_type == DeviceType.CPU && weights.is_contiguous() && gradients.is_contiguous()
        && weights.dtype is ScalarType.Float32 or ScalarType.BFloat16
        && gradients.dtype is ScalarType.Float32 or ScalarType.BFloat16 or ScalarType.Float16;

    /// <summary>A step of Adam.</summary>
    /// <param name="weights">Changed; of bfloat16 rounded at random, see <see cref="StochasticRounding"/>.</param>
    /// <param name="gradients">Of the same count.</param>
    /// <param name="means">Changed.</param>
    /// <param name="squares">Changed.</param>
    public void Adam(Tensor weights, Tensor gradients, BlockwiseMoment means, BlockwiseMoment squares)
    {
        Memory memory = Of(weights, gradients, means) with
        {
            Squares = TensorAddress.Of(squares.Codes),
            SquareScales = TensorAddress.Of(squares.Scales),
        };
        ParallelLoop.For(0, BlockwiseMoment.BlocksOf(memory.Count), WorthAThread, (from, to) => Adam(memory, from, to));
        GC.KeepAlive((weights, gradients, means, squares));
    }

    /// <summary>A step of LION.</summary>
    /// <inheritdoc cref="Adam(Tensor, Tensor, BlockwiseMoment, BlockwiseMoment)"/>
    public void Lion(Tensor weights, Tensor gradients, BlockwiseMoment means)
    {
        Memory memory = Of(weights, gradients, means);
        ParallelLoop.For(0, BlockwiseMoment.BlocksOf(memory.Count), WorthAThread, (from, to) => Lion(memory, from, to));
        GC.KeepAlive((weights, gradients, means));
    }

    private static Memory Of(Tensor weights, Tensor gradients, BlockwiseMoment means) =>
        new(TensorAddress.Of(weights), TensorAddress.Of(gradients), TensorAddress.Of(means.Codes), TensorAddress.Of(means.Scales), 0, 0)
        {
            Count = weights.NumberOfElements,
            GradientType = gradients.dtype,
            RoundsWeights = weights.dtype == ScalarType.BFloat16,
        };

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Adam(in Memory memory, long from, long to)
    {
        float* buffer = stackalloc float[4 * Size];
        float* g = buffer, m = g + Size, v = m + Size, ours = v + Size;
        for (long block = from; block < to; block++)
        {
            long start = block * Size;
            int count = (int)Math.Min(Size, memory.Count - start);
            float* w = Begin(memory, start, count, g, ours);
            byte* means = (byte*)memory.Means + start, squares = (byte*)memory.Squares + start;
            float* meanScale = (float*)memory.MeanScales + block, squareScale = (float*)memory.SquareScales + block;
            Read(means, *meanScale, DynamicCode.Signed, m, count);
            Read(squares, *squareScale, DynamicCode.Unsigned, v, count);
            MoveByAdam(w, g, m, v);
            *meanScale = Write(m, DynamicCode.Signed, means, count);
            *squareScale = Write(v, DynamicCode.Unsigned, squares, count);
            End(memory, start, count, w);
        }
    }

    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Lion(in Memory memory, long from, long to)
    {
        float* buffer = stackalloc float[3 * Size];
        float* g = buffer, m = g + Size, ours = m + Size;
        for (long block = from; block < to; block++)
        {
            long start = block * Size;
            int count = (int)Math.Min(Size, memory.Count - start);
            float* w = Begin(memory, start, count, g, ours);
            byte* means = (byte*)memory.Means + start;
            float* meanScale = (float*)memory.MeanScales + block;
            Read(means, *meanScale, DynamicCode.Signed, m, count);
            MoveByLion(w, g, m);
            *meanScale = Write(m, DynamicCode.Signed, means, count);
            End(memory, start, count, w);
        }
    }

    /// <summary>Reads gradient and weights of a block; what is behind the end of a short one is 0.</summary>
    /// <returns>The weights: where they lie, or a copy.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private float* Begin(in Memory memory, long start, int count, float* g, float* ours)
    {
        if (count < Size)
            new Span<float>(g, Size).Clear();
        Widen(memory.Gradients, memory.GradientType, start, count, g);
        if (memory.RoundsWeights || count < Size)
        {
            new Span<float>(ours, Size).Clear();
            Widen(memory.Weights, memory.RoundsWeights ? ScalarType.BFloat16 : ScalarType.Float32, start, count, ours);
        }
        else
            ours = (float*)memory.Weights + start;
        var (factor, added) = (new Vector<float>(numbers.GradientFactor), new Vector<float>(numbers.Added));
        for (int i = 0; i < Size; i += Vector<float>.Count)
            ((Vector.Load(g + i) * factor) + (Vector.Load(ours + i) * added)).Store(g + i);
        return ours;
    }

    private void End(in Memory memory, long start, int count, float* w)
    {
        if (memory.RoundsWeights)
            StochasticRounding.Round(w, (ushort*)memory.Weights + start, count, numbers.Seed, start);
        else if (count < Size)
            new ReadOnlySpan<float>(w, count).CopyTo(new Span<float>((float*)memory.Weights + start, count));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MoveByAdam(float* w, float* g, float* m, float* v)
    {
        var (beta1, beta2) = (new Vector<float>(numbers.Beta1), new Vector<float>(numbers.Beta2));
        var (new1, new2) = (new Vector<float>(1 - numbers.Beta1), new Vector<float>(1 - numbers.Beta2));
        var (rate, root) = (new Vector<float>(numbers.Rate), new Vector<float>(numbers.RootFactor));
        var (keep, epsilon) = (new Vector<float>(numbers.Keep), new Vector<float>(numbers.Epsilon));
        for (int i = 0; i < Size; i += Vector<float>.Count)
        {
            Vector<float> gradient = Vector.Load(g + i);
            Vector<float> mean = (Vector.Load(m + i) * beta1) + (gradient * new1);
            Vector<float> square = (Vector.Load(v + i) * beta2) + (gradient * gradient * new2);
            mean.Store(m + i);
            square.Store(v + i);
            Vector<float> change = rate * mean / ((Vector.SquareRoot(square) * root) + epsilon);
            ((Vector.Load(w + i) * keep) - change).Store(w + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void MoveByLion(float* w, float* g, float* m)
    {
        var (beta1, beta2) = (new Vector<float>(numbers.Beta1), new Vector<float>(numbers.Beta2));
        var (new1, new2) = (new Vector<float>(1 - numbers.Beta1), new Vector<float>(1 - numbers.Beta2));
        var (rate, keep) = (new Vector<float>(numbers.Rate), new Vector<float>(numbers.Keep));
        for (int i = 0; i < Size; i += Vector<float>.Count)
        {
            Vector<float> gradient = Vector.Load(g + i), mean = Vector.Load(m + i);
            Vector<float> direction = (mean * beta1) + (gradient * new1);
            Vector<float> up = Vector.ConditionalSelect(Vector.GreaterThan(direction, Vector<float>.Zero), rate, Vector<float>.Zero);
            Vector<float> change = Vector.ConditionalSelect(Vector.LessThan(direction, Vector<float>.Zero), -rate, up);
            ((Vector.Load(w + i) * keep) - change).Store(w + i);
            ((mean * beta2) + (gradient * new2)).Store(m + i);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Widen(nint source, ScalarType type, long start, int count, float* target)
    {
        switch (type)
        {
            case ScalarType.Float32:
                new ReadOnlySpan<float>((float*)source + start, count).CopyTo(new Span<float>(target, count));
                break;
            case ScalarType.BFloat16:
                ushort* bits = (ushort*)source + start;
                for (int i = 0; i < count; i++)
                    target[i] = BitConverter.UInt32BitsToSingle((uint)bits[i] << 16);
                break;
            default:
                Half* halves = (Half*)source + start;
                for (int i = 0; i < count; i++)
                    target[i] = (float)halves[i];
                break;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Read(byte* codes, float scale, DynamicCode code, float* target, int count)
    {
        if (count < Size)
            new Span<float>(target, Size).Clear();
        fixed (float* values = code.Values)
            for (int i = 0; i < count; i++)
                target[i] = values[codes[i]] * scale;
    }

    /// <returns>The scale of the block.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Write(float* values, DynamicCode code, byte* target, int count)
    {
        Vector<float> most = Vector<float>.Zero;
        for (int i = 0; i < Size; i += Vector<float>.Count)
            most = Vector.Max(most, Vector.Abs(Vector.Load(values + i)));
        float scale = 0;
        for (int lane = 0; lane < Vector<float>.Count; lane++)
            scale = Math.Max(scale, most[lane]);
        var divisor = new Vector<float>(scale > 0 ? scale : 1);
        for (int i = 0; i < Size; i += Vector<float>.Count)
            (Vector.Load(values + i) / divisor).Store(values + i);
        fixed (byte* beginnings = code.Beginnings)
        fixed (float* limits = code.Limits)
            for (int i = 0; i < count; i++)
                target[i] = DynamicCode.Nearest(values[i], beginnings, limits);
        return scale;
    }
}
