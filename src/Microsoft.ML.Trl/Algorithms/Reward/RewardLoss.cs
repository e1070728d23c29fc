using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Microsoft.ML.Trl.Algorithms.Reward;

/// <summary>Loss of a reward model on pairs.</summary>
internal static class RewardLoss
{
    /// <summary>
    /// -log σ(chosen - rejected - margin), plus the centering term: arXiv:2203.02155, Eq. 1; arXiv:2307.09288, Eq. 2; arXiv:2312.09244, Eq.
    /// 2.
    /// </summary>
    /// <param name="chosen">[B] scores.</param>
    /// <param name="rejected">[B] scores.</param>
    /// <param name="margin">[B] by how much chosen should win; null = 0.</param>
    /// <param name="centering">Weight of (chosen + rejected)²; null = none.</param>
    /// <returns>[B] loss per pair. The caller owns it.</returns>
    public static Tensor PerPair(Tensor chosen, Tensor rejected, Tensor? margin = null, double? centering = null)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor lead = chosen - rejected;                                       // [B]
        Tensor loss = logsigmoid(margin is null ? lead : lead - margin).neg(); // [B]
        if (centering is { } weight)
            loss = loss + ((chosen + rejected).pow(2) * weight);
        return loss.MoveToOuterDisposeScope();
    }
}
