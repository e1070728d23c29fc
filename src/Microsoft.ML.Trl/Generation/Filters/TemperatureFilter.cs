using System.Numerics.Tensors;

namespace Microsoft.ML.Trl.Generation;

/// <summary>Divides the scores.</summary>
internal sealed class TemperatureFilter(float temperature) : ILogitsFilter
{
    public void Apply(ReadOnlySpan<int> context, int newTokens, Span<float> scores) => TensorPrimitives.Divide(scores, temperature, scores);
}
