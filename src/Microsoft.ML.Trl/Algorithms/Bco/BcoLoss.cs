using System.Runtime.CompilerServices;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Microsoft.ML.Trl.Algorithms.Bco;

/// <summary>
/// Binary classifier optimisation: arXiv:2404.04656, Eq. 8. A <i>reward</i> is β times the log-probability of a completion under the policy
/// minus that under the reference, summed over its tokens; δ is the mean of all rewards so far.
/// </summary>
public static class BcoLoss
{
    /// <summary>Of a wanted completion: <c>-log σ(reward - δ)</c>.</summary>
    /// <param name="reward">[B]</param>
    /// <param name="delta">δ, finite.</param>
    /// <returns>[B]; ln 2 where the reward is δ. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The tensor holds no floating-point numbers, or the number is not finite.</exception>
    public static Tensor Desirable(Tensor reward, double delta)
    {
        Check(reward, delta);
        return WrappedTensorDisposeScope(() => -logsigmoid(reward - delta));
    }

    /// <summary>Of an unwanted completion: <c>-log σ(δ - reward)</c>.</summary>
    /// <param name="reward">[B]</param>
    /// <param name="delta">δ, finite.</param>
    /// <returns>[B]; ln 2 where the reward is δ. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The tensor holds no floating-point numbers, or the number is not finite.</exception>
    public static Tensor Undesirable(Tensor reward, double delta)
    {
        Check(reward, delta);
        return WrappedTensorDisposeScope(() => -logsigmoid(delta - reward));
    }

    private static void Check(Tensor reward, double delta, [CallerArgumentExpression(nameof(reward))] string name = "")
    {
        RequireTensor.Floating(reward, name);
        Require.Finite(delta);
    }
}
