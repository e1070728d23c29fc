using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.OnlinePairs;

/// <summary>The loss of Nash-MD: its gradient is the policy gradient of the regularised preference.</summary>
public static class NashMdLoss
{
    /// <summary>
    /// <c>β Σ_t r_t log π(y_t) - (P - 1/2) Σ_t log π(y_t)</c>, where <c>r_t</c> is the log-ratio of policy to reference, without gradient.
    /// arXiv:2312.00886, Eq. 7, with TRL's control variate 1/2 and its estimate of the KL token by token.
    /// </summary>
    /// <param name="logProb">[B] Σ log π(y_t): log-probability of the policy's own answer, in nats.</param>
    /// <param name="weightedLogProb">[B] Σ r_t log π(y_t).</param>
    /// <param name="preference">[B] P: probability that the answer is better than the opponent's, in [0, 1].</param>
    /// <param name="beta">β, above 0: τ of the paper.</param>
    /// <returns>[B], differentiable. The caller owns it.</returns>
    /// <exception cref="ArgumentException">
    /// The tensors differ in shape or hold no floating-point numbers, or a number is out of range.
    /// </exception>
    public static Tensor Compute(Tensor logProb, Tensor weightedLogProb, Tensor preference, double beta)
    {
        RequireTensor.Floating(logProb);
        RequireTensor.Floating(weightedLogProb);
        RequireTensor.Floating(preference);
        RequireTensor.OneShape(
            (logProb, nameof(logProb)), (weightedLogProb, nameof(weightedLogProb)), (preference, nameof(preference)));
        Require.Positive(beta);
        return WrappedTensorDisposeScope(() => (weightedLogProb * beta) - ((preference - 0.5) * logProb));
    }
}
