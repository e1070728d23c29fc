using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>What a mini-batch came to.</summary>
/// <param name="Loss">Scalar with its gradient: policy loss plus weighted value loss, 0 for a skipped mini-batch.</param>
/// <param name="Ratio">[n] new over old probability of each token, no gradient.</param>
/// <param name="Statistics">One number for each of <see cref="Names"/>.</param>
/// <param name="MeanRatio">Mean of the ratios that count.</param>
/// <param name="Skipped">True where the mean ratio was over the threshold.</param>
internal sealed record PpoTerms(Tensor Loss, Tensor Ratio, float[] Statistics, double MeanRatio, bool Skipped)
{
    /// <summary>TRL's names, each below <c>ppo/</c>.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "loss/policy", "loss/value", "loss/total",
        "policy/entropy", "policy/approxkl", "policy/policykl", "policy/clipfrac", "policy/advantages_mean",
        "returns/mean", "returns/var",
        "val/vpred", "val/error", "val/clipfrac", "val/mean", "val/var",
    ];

    /// <summary>How far the policy has moved from the one that sampled, in nats per token: what early stopping looks at.</summary>
    public double PolicyKl => Statistics[5];
}
