using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>How much better than expected each token was.</summary>
public static class Advantages
{
    /// <summary>Generalized advantage estimation: arXiv:1506.02438, Eq. 16. Not whitened.</summary>
    /// <param name="rewards">[B, T] reward per response token, KL penalty included.</param>
    /// <param name="values">[B, T] critic estimate before each token; same unit as the reward.</param>
    /// <param name="mask">[B, T] bool, true on response tokens; positions outside count as reward and value 0.</param>
    /// <param name="gamma">Discount per token, in [0, 1].</param>
    /// <param name="lambda">0 is one-step TD, 1 is Monte Carlo.</param>
    /// <returns>[B, T] float32. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The three tensors differ in shape, or a number is out of range.</exception>
    public static Tensor Estimate(Tensor rewards, Tensor values, Tensor mask, double gamma, double lambda)
    {
        RequireTensor.Alive(rewards);
        RequireTensor.Alive(values);
        RequireTensor.Alive(mask);
        RequireTensor.OneShape((rewards, nameof(rewards)), (values, nameof(values)), (mask, nameof(mask)));
        RequireTensor.Shape(rewards, rewards.dim() == 2, "[B, T]");
        Require.Between(gamma, 0, 1);
        Require.Between(lambda, 0, 1);
        using IDisposable _ = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor inside = mask.to_type(ScalarType.Float32);
        float[] reward = Rows(rewards * inside), value = Rows(values * inside);
        var advantage = new float[reward.Length];
        int length = (int)rewards.shape[1];
        for (int row = 0; row < reward.Length; row += length)
        {
            float later = 0, nextValue = 0;
            for (int at = row + length - 1; at >= row; at--)
            {
                float temporalDifference = reward[at] + ((float)gamma * nextValue) - value[at];
                later = temporalDifference + ((float)(gamma * lambda) * later);
                nextValue = value[at];
                advantage[at] = later;
            }
        }
        return tensor(advantage, rewards.shape, device: rewards.device).MoveToOuterDisposeScope();
    }

    private static float[] Rows(Tensor values) => values.to_type(ScalarType.Float32).cpu().contiguous().data<float>().ToArray();
}
