using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>Which function of the preference margin is minimised; one function of <see cref="DpoLoss"/> each.</summary>
/// <remarks>In JSON the names are TRL's, such as <c>apo_zero</c>.</remarks>
[JsonConverter(typeof(JsonStringEnumConverter<DpoLossType>))]
public enum DpoLossType
{
    /// <summary>The original: <see cref="DpoLoss.Sigmoid"/>.</summary>
    [JsonStringEnumMemberName("sigmoid")] Sigmoid,
    /// <summary>Hinge loss of SLiC and RSO: <see cref="DpoLoss.Hinge"/>.</summary>
    [JsonStringEnumMemberName("hinge")] Hinge,
    /// <summary>Identity preference optimisation: <see cref="DpoLoss.Ipo"/>.</summary>
    [JsonStringEnumMemberName("ipo")] Ipo,
    /// <summary>Reverse KL to smoothed labels: <see cref="DpoLoss.ExoPair"/>. Needs label smoothing above 0.</summary>
    [JsonStringEnumMemberName("exo_pair")] ExoPair,
    /// <summary>Noise-contrastive alignment: <see cref="DpoLoss.NcaPair"/>.</summary>
    [JsonStringEnumMemberName("nca_pair")] NcaPair,
    /// <summary>Unbiased under flipped labels: <see cref="DpoLoss.Robust"/>.</summary>
    [JsonStringEnumMemberName("robust")] Robust,
    /// <summary>Binary classifier of each answer: <see cref="DpoLoss.BcoPair"/>.</summary>
    [JsonStringEnumMemberName("bco_pair")] BcoPair,
    /// <summary>Self-play with hard labels: <see cref="DpoLoss.SppoHard"/>.</summary>
    [JsonStringEnumMemberName("sppo_hard")] SppoHard,
    /// <summary>Alignment by optimal transport over the batch, paired: <see cref="DpoLoss.Aot"/>.</summary>
    [JsonStringEnumMemberName("aot")] Aot,
    /// <summary>Alignment by optimal transport over the batch, unpaired: <see cref="DpoLoss.AotUnpaired"/>.</summary>
    [JsonStringEnumMemberName("aot_unpaired")] AotUnpaired,
    /// <summary>Anchored, for chosen answers better than the policy's own: <see cref="DpoLoss.ApoZero"/>.</summary>
    [JsonStringEnumMemberName("apo_zero")] ApoZero,
    /// <summary>Anchored, for chosen answers worse than the policy's own: <see cref="DpoLoss.ApoDown"/>.</summary>
    [JsonStringEnumMemberName("apo_down")] ApoDown,
    /// <summary>Log-ratio modulated mixture: <see cref="DpoLoss.DiscoPop"/>.</summary>
    [JsonStringEnumMemberName("discopop")] DiscoPop,
    /// <summary>Negative log-likelihood of the chosen answers: <see cref="DpoLoss.Sft"/>. A partner for other losses.</summary>
    [JsonStringEnumMemberName("sft")] Sft,
    /// <summary>The original on means per token: <see cref="DpoLoss.Sigmoid"/> of length-normalised scores.</summary>
    [JsonStringEnumMemberName("sigmoid_norm")] SigmoidNorm,
}
