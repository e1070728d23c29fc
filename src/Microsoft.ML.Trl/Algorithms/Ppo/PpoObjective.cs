using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>Loss and statistics of a mini-batch, as TRL v0.11.4 defines them.</summary>
internal sealed class PpoObjective(PpoOptions options)
{
    private const int LossCount = 3;

    public PpoTerms Compute(PpoPrediction now, PpoTarget then)
    {
        using var scope = NewDisposeScope();
        PpoLossTerms policy = PpoLoss.Policy(now.LogProbs, then.LogProbs, then.Advantages, then.Mask, options.Cliprange);
        PpoLossTerms value = PpoLoss.Value(now.Values, then.Values, then.Returns, then.Mask, options.CliprangeValue);
        Tensor loss = policy.Loss + (value.Loss * options.VfCoef);
        float[] numbers = Numbers(now, then, policy, value, loss);
        double meanRatio = numbers[^1];
        bool skipped = meanRatio > options.RatioThreshold;
        if (skipped)
        {
            loss *= 0.0; // zero gradients, not none: the optimizer's momentum still moves, as in TRL
            numbers.AsSpan(0, LossCount).Clear();
        }
        return new PpoTerms(loss.MoveToOuterDisposeScope(), policy.Detail.MoveToOuterDisposeScope(), numbers[..^1], meanRatio, skipped);
    }

    // in the order of PpoTerms.Names, then the mean ratio: one transfer from the device for all
    private static float[] Numbers(PpoPrediction now, PpoTarget then, PpoLossTerms policy, PpoLossTerms value, Tensor loss)
    {
        using var frozen = no_grad();
        Tensor moved = now.LogProbs - then.LogProbs; // [n]
        Tensor[] numbers =
        [
            policy.Loss, value.Loss, loss,
            Mean(now.Entropy), Mean(moved.square()) * 0.5, -Mean(moved), policy.ClipFraction, Mean(then.Advantages),
            Mean(then.Returns), Variance(then.Returns),
            Mean(now.Values), Mean((now.Values - then.Returns).square()), value.ClipFraction, Mean(then.Values), Variance(then.Values),
            Mean(policy.Detail),
        ];
        return stack(numbers).cpu().data<float>().ToArray();

        Tensor Mean(Tensor values) => Masked.Mean(values, then.Mask);

        // a single token has no unbiased variance; TRL's would be NaN
        Tensor Variance(Tensor values) => then.Mask.sum().item<float>() < 2 ? zeros_like(loss) : Masked.Variance(values, then.Mask);
    }
}
