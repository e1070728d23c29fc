using System.Numerics.Tensors;

namespace Microsoft.ML.Trl.Generation;

/// <summary>Keeps the likeliest tokens that together reach a probability, at least one: arXiv:1904.09751.</summary>
internal sealed class TopPFilter(float probability) : ILogitsFilter
{
    private const float Step = 1f / 32;

    public void Apply(ReadOnlySpan<int> context, int newTokens, Span<float> scores)
    {
        float[] weights = new float[scores.Length];
        scores.CopyTo(weights);
        double total = Math.Exp(SumExp.InPlace(weights) - TensorPrimitives.Max(scores));
        float least = LeastKept(weights, probability * total, out int kept);
        for (int i = 0; i < scores.Length; i++)
            if (weights[i] < least || (weights[i] == least && --kept < 0))
                scores[i] = float.NegativeInfinity;
    }

    /// <summary>
    /// Goes down from the likeliest until the mass is reached. Only weights above a bound are sorted; the bound falls until they suffice.
    /// </summary>
    /// <param name="weights">Unnormalized probabilities, the largest being 1.</param>
    /// <param name="mass">How much to gather.</param>
    /// <param name="ties">How many tokens of exactly the returned weight are kept.</param>
    /// <returns>The smallest weight that is kept.</returns>
    private static float LeastKept(float[] weights, double mass, out int ties)
    {
        for (float bound = Step; ; bound *= Step)
        {
            if (bound < 1e-30f)
                bound = 0;
            float[] candidates = Array.FindAll(weights, weight => weight >= bound);
            Array.Sort(candidates);
            double gathered = 0;
            for (int i = candidates.Length - 1; i >= 0; i--)
            {
                gathered += candidates[i];
                if (gathered < mass && (i > 0 || bound > 0))
                    continue;
                float least = candidates[i];
                ties = candidates.AsSpan(i).Count(least);
                return least;
            }
        }
    }
}
