using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Distillation;

/// <summary>What a teacher says of tokens that a student drew: arXiv:2306.08543, Eq. 2, with the reverse KL as reward.</summary>
public static class MiniLlmLoss
{
    /// <summary>
    /// How good the tokens were that the student drew: <c>A_t = Σ_{i≥t} γ^(i-t) r_i</c> with <c>r = log q - log p</c>, over
    /// <c>Σ_{i≥t} γ^(i-t)</c> with length normalisation.
    /// </summary>
    /// <remarks>
    /// As TRL documents it. Its code has a further factor γ^t where lengths are not normalised, lets the gradient into the advantage, which
    /// shifts all of them by the same 1, and counts padding; none of that is here.
    /// </remarks>
    /// <param name="logProbs">[N] log-probabilities of the drawn tokens under the student, the rows one behind the other.</param>
    /// <param name="teacherLogProbs">[N] under the teacher.</param>
    /// <param name="lengths">Tokens of each row, at least 0; their sum is N.</param>
    /// <param name="gamma">γ, in [0, 1].</param>
    /// <param name="lengthNormalization">Whether to divide by the discounted number of tokens that follow.</param>
    /// <returns>[N] float32, no gradient. The caller owns it.</returns>
    /// <exception cref="ArgumentException">Shapes or lengths do not fit together, or a number is out of range.</exception>
    public static Tensor Advantages(
        Tensor logProbs, Tensor teacherLogProbs, IReadOnlyList<int> lengths, double gamma, bool lengthNormalization)
    {
        RequireTensor.Floating(logProbs);
        RequireTensor.Floating(teacherLogProbs);
        RequireTensor.OneShape((logProbs, nameof(logProbs)), (teacherLogProbs, nameof(teacherLogProbs)));
        ArgumentNullException.ThrowIfNull(lengths);
        Require.Between(gamma, 0, 1);
        if (lengths.Any(length => length < 0) || lengths.Sum(length => (long)length) != logProbs.NumberOfElements)
            throw new ArgumentException(
                $"The {lengths.Count} lengths add up to {lengths.Sum(length => (long)length)}, but there are {logProbs.NumberOfElements} "
                + "log-probabilities; give the tokens of each row, at least 0.", nameof(lengths));
        using DisposeScope scope = NewDisposeScope();
        Tensor rewards = (teacherLogProbs.detach() - logProbs.detach()).to_type(ScalarType.Float32);
        float[] sums = rewards.cpu().data<float>().ToArray();
        int end = 0;
        foreach (int length in lengths)
        {
            end += length;
            Discount(sums.AsSpan(end - length, length), gamma, lengthNormalization);
        }
        return tensor(sums, device: logProbs.device).MoveToOuterDisposeScope();
    }

    /// <summary>Replaces the rewards of a row by their discounted sums from each token on.</summary>
    private static void Discount(Span<float> row, double gamma, bool normalizes)
    {
        double sum = 0, weight = 0;
        for (int t = row.Length - 1; t >= 0; t--)
        {
            (sum, weight) = (row[t] + (gamma * sum), 1 + (gamma * weight));
            row[t] = (float)(normalizes ? sum / weight : sum);
        }
    }
}
