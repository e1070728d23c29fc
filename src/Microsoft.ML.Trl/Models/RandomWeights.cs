using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Draws weights on the CPU, float32, as a function of the seed alone.</summary>
internal sealed class RandomWeights(int seed) : WeightSource, IDisposable
{
    private readonly Generator _generator = new((ulong)(uint)seed);

    public void Dispose() => _generator.Dispose();

    protected override Tensor Make(string name, Fresh fresh, long[] shape)
    {
        Tensor tensor = empty(shape, ScalarType.Float32);
        return fresh.Fill(tensor, _generator);
    }
}
