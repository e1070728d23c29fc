using System.Numerics.Tensors;

namespace Microsoft.ML.Trl.Generation;

/// <summary>Keeps tokens that are at least a given share as probable as the likeliest: arXiv:2407.01082.</summary>
internal sealed class MinPFilter(double share) : ILogitsFilter
{
    private readonly float _distance = (float)Math.Log(share);

    public void Apply(ReadOnlySpan<int> context, int newTokens, Span<float> scores)
    {
        float least = TensorPrimitives.Max(scores) + _distance;
        for (int i = 0; i < scores.Length; i++)
            if (scores[i] < least)
                scores[i] = float.NegativeInfinity;
    }
}
