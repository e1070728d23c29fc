using System.Numerics.Tensors;

namespace Microsoft.ML.Trl.Models;

/// <summary>Norms of single rows in float32 memory, for generation.</summary>
internal static unsafe class HostNorms
{
    /// <summary>to = (from - mean) / deviation · weight + bias.</summary>
    public static void Layer(float* from, float* to, float* weight, float* bias, int width, double epsilon)
    {
        ReadOnlySpan<float> input = new(from, width);
        Span<float> output = new(to, width);
        TensorPrimitives.Subtract(input, TensorPrimitives.Sum(input) / width, output);
        float variance = TensorPrimitives.SumOfSquares(output) / width;
        TensorPrimitives.Multiply(output, (float)(1 / Math.Sqrt(variance + epsilon)), output);
        TensorPrimitives.MultiplyAdd(output, new ReadOnlySpan<float>(weight, width), new ReadOnlySpan<float>(bias, width), output);
    }

    /// <summary>to = from / root mean square · weight.</summary>
    public static void RootMeanSquare(float* from, float* to, float* weight, int width, double epsilon)
    {
        ReadOnlySpan<float> input = new(from, width);
        Span<float> output = new(to, width);
        float mean = TensorPrimitives.SumOfSquares(input) / width;
        TensorPrimitives.Multiply(input, (float)(1 / Math.Sqrt(mean + epsilon)), output);
        TensorPrimitives.Multiply(output, new ReadOnlySpan<float>(weight, width), output);
    }
}
