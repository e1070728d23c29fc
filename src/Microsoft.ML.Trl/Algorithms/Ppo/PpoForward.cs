using Microsoft.ML.Trl.Models;
using Microsoft.ML.Trl.Numerics;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>One pass through the decoder for policy and value; only the states that predict response tokens go on to the heads.</summary>
internal static class PpoForward
{
    /// <summary>States before each response token.</summary>
    /// <returns>[n, H]. The caller owns it.</returns>
    public static Tensor States(CausalLanguageModel model, PpoPart part, Func<CausalLanguageModel, PpoPart, Tensor> decode)
    {
        using var scope = NewDisposeScope();
        Tensor hidden = decode(model, part); // [b, t, H]
        return hidden.view(-1, hidden.shape[^1]).index_select(0, part.Positions).MoveToOuterDisposeScope();
    }

    /// <summary>What policy and critic say now about response tokens, with gradients.</summary>
    /// <returns>Three tensors [n]. The caller owns them.</returns>
    public static PpoPrediction Predict(CausalLanguageModel policy, ValueHead valueHead, PpoPart part, Func<CausalLanguageModel, PpoPart, Tensor> decode)
    {
        using var scope = NewDisposeScope();
        Tensor states = States(policy, part, decode); // [n, H]
        TokenLogProbs tokens = LogProbs.WithStatistics(states, policy.HeadWeight, part.Labels);
        return new PpoPrediction(
            tokens.LogProbs.MoveToOuterDisposeScope(),
            tokens.Entropy.MoveToOuterDisposeScope(),
            valueHead.Values(states).MoveToOuterDisposeScope());
    }
}
