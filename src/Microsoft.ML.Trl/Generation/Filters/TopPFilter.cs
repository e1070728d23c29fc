using System.Numerics.Tensors;

namespace Microsoft.ML.Trl.Generation;

/// <summary>Keeps the likeliest tokens that together reach a probability, at least one: arXiv:1904.09751.</summary>
internal sealed class TopPFilter(float probability) : ILogitsFilter
{
    public void Apply(ReadOnlySpan<int> context, int newTokens, Span<float> scores)
    {
        float[] weights = scores.ToArray();
        double total = Math.Exp(SumExp.InPlace(weights) - TensorPrimitives.Max(scores));
        float least = LeastKept([.. weights], probability * total, out int ties);
        for (int i = 0; i < scores.Length; i++)
            if (weights[i] < least || (weights[i] == least && --ties < 0))
                scores[i] = float.NegativeInfinity;
    }

    /// <summary>Finds where the mass is reached on the way down from the likeliest, by splitting around a pivot instead of sorting.</summary>
    /// <param name="weights">Unnormalized probabilities; reordered.</param>
    /// <param name="mass">How much to gather.</param>
    /// <param name="ties">How many tokens of exactly the returned weight are kept.</param>
    /// <returns>The smallest weight that is kept.</returns>
    private static float LeastKept(Span<float> weights, double mass, out int ties)
    {
        while (true)
        {
            float pivot = MiddleOfThree(weights[0], weights[weights.Length / 2], weights[^1]);
            (int larger, int equal, double sum) = Split(weights, pivot);
            if (larger > 0 && sum >= mass)
            {
                weights = weights[..larger];
                continue;
            }
            double own = (double)pivot * equal;
            if (sum + own >= mass || larger + equal == weights.Length)
            {
                ties = pivot > 0 ? (int)Math.Clamp(Math.Ceiling((mass - sum) / pivot), 1, equal) : equal;
                return pivot;
            }
            mass -= sum + own;
            weights = weights[(larger + equal)..];
        }
    }

    /// <summary>Moves larger weights before equal ones before smaller ones.</summary>
    /// <returns>How many are larger and equal, and the sum of the larger ones.</returns>
    private static (int Larger, int Equal, double Sum) Split(Span<float> weights, float pivot)
    {
        (int larger, int next, int end, double sum) = (0, 0, weights.Length, 0);
        while (next < end)
        {
            float weight = weights[next];
            if (weight > pivot)
            {
                sum += weight;
                Swap(ref weights[larger++], ref weights[next++]);
            }
            else if (weight == pivot)
            {
                next++;
            }
            else
            {
                Swap(ref weights[--end], ref weights[next]);
            }
        }
        return (larger, next - larger, sum);
    }

    private static void Swap(ref float a, ref float b) => (a, b) = (b, a);

    private static float MiddleOfThree(float a, float b, float c) => Math.Max(Math.Min(a, b), Math.Min(Math.Max(a, b), c));
}
