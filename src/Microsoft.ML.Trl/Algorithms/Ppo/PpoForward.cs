using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>One pass through the decoder for policy and value; only the states that predict response tokens go on to the heads.</summary>
internal static class PpoForward
{
    /// <summary>What policy and critic say now about response tokens, with gradients.</summary>
    /// <param name="policy">Being trained.</param>
    /// <param name="valueHead">Being trained.</param>
    /// <param name="part">Rows.</param>
    /// <param name="states">Gives the states [n, H] that predict response tokens.</param>
    /// <returns>Three tensors [n]. The caller owns them.</returns>
    public static PpoPrediction Predict(CausalLanguageModel policy, ValueHead valueHead, PpoPart part, Func<CausalLanguageModel, PpoPart, Tensor> states)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = states(policy, part); // [n, H]
        TokenLogProbs tokens = LogProbs.WithStatistics(hidden, policy.HeadWeight, part.Labels);
        return new PpoPrediction(
            tokens.LogProbs.MoveToOuterDisposeScope(),
            tokens.Entropy.MoveToOuterDisposeScope(),
            valueHead.Values(hidden).MoveToOuterDisposeScope());
    }
}
