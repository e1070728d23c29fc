using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Numerics;

/// <summary>Hidden states, a projection and labels from a seed.</summary>
internal sealed record HeadSample(Tensor Hidden, Tensor Weight, Tensor Labels)
{
    /// <summary>[rows, width], [vocabulary, width], [rows]; both leaves need gradients.</summary>
    public static HeadSample Create(int seed, int rows, int width, int vocabulary, ScalarType type = ScalarType.Float32)
    {
        var random = new Random(seed);
        float number() => (float)((random.NextDouble() * 2) - 1);
        Tensor draw(long a, long b) => tensor([.. Enumerable.Range(0, (int)(a * b)).Select(_ => number())], [a, b]).to_type(type);
        return new HeadSample(
            draw(rows, width).requires_grad_(),
            draw(vocabulary, width).requires_grad_(),
            tensor(Enumerable.Range(0, rows).Select(_ => (long)random.Next(vocabulary)).ToArray()));
    }
}
