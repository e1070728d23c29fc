using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>What a completion is held against.</summary>
/// <remarks>In JSON the names are those of the papers, such as <c>remax</c>.</remarks>
[JsonConverter(typeof(JsonStringEnumConverter<AdvantageEstimator>))]
public enum AdvantageEstimator
{
    /// <summary>The other completions of its prompt, as <see cref="GrpoLossOptions.ScaleRewards"/> says: GRPO.</summary>
    [JsonStringEnumMemberName("group")] Group,

    /// <summary>
    /// All completions of the generation: the returns of their tokens are scaled to mean 0 and variance 1. One completion of a prompt is
    /// enough: REINFORCE++, arXiv:2501.03262.
    /// </summary>
    [JsonStringEnumMemberName("reinforce++")] ReinforcePlusPlus,

    /// <summary>The mean of its prompt first, and then all completions of the generation: REINFORCE++-baseline, arXiv:2501.03262.</summary>
    [JsonStringEnumMemberName("reinforce++-baseline")] ReinforcePlusPlusBaseline,

    /// <summary>
    /// The reward of the likeliest completion of its prompt, which is written for that, too: arXiv:2310.10505, Eq. 7. One completion of a
    /// prompt is enough.
    /// </summary>
    [JsonStringEnumMemberName("remax")] ReMax,
}
