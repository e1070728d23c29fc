using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Microsoft.ML.Trl.Algorithms.ReferenceFree;

/// <summary>The odds ratio of two answers: arXiv:2403.07691. Every log-probability is the mean over the tokens of an answer.</summary>
public static class OrpoLoss
{
    private const double SurelyLikely = -1e-7; // the odds of a certain answer would be infinite

    /// <summary><c>log odds(chosen) - log odds(rejected)</c>, with odds p / (1 - p). Eq. 4 and 7.</summary>
    /// <param name="chosen">[B] mean log-probability per token, at most 0.</param>
    /// <param name="rejected">[B] the same.</param>
    /// <returns>[B], differentiable. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The tensors differ in shape or hold no floating-point numbers.</exception>
    public static Tensor LogOdds(Tensor chosen, Tensor rejected)
    {
        RequireTensor.Floating(chosen);
        RequireTensor.Floating(rejected);
        RequireTensor.OneShape((chosen, nameof(chosen)), (rejected, nameof(rejected)));
        using var scope = NewDisposeScope();
        return ((chosen - rejected) - (LogOneMinusExp(chosen) - LogOneMinusExp(rejected))).MoveToOuterDisposeScope();
    }

    /// <summary><c>-λ log σ(log odds)</c>: what is added to the negative log-likelihood of the chosen answers. Eq. 7.</summary>
    /// <param name="logOdds">[B] of <see cref="LogOdds"/>.</param>
    /// <param name="beta">λ, above 0.</param>
    /// <returns>[B]; λ ln 2 where the odds are equal. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The tensor holds no floating-point numbers, or the number is out of range.</exception>
    public static Tensor OddsRatio(Tensor logOdds, double beta)
    {
        RequireTensor.Floating(logOdds);
        Require.Positive(beta);
        return WrappedTensorDisposeScope(() => logsigmoid(logOdds) * -beta);
    }

    /// <summary>log(1 - e^x) of negative numbers, exact near 0 and far from it.</summary>
    private static Tensor LogOneMinusExp(Tensor x) // called inside the scope that the result leaves
    {
        double border = -Math.Log(2);
        Tensor near = x.clamp(min: border, max: SurelyLikely), far = x.clamp(max: border);
        return where(x > border, near.expm1().neg().log(), far.exp().neg().log1p());
    }
}
