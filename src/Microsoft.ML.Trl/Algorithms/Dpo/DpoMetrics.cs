using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Dpo;

/// <summary>TRL's metrics of one forward pass.</summary>
internal static class DpoMetrics
{
    /// <summary>One number per TRL name, <c>loss</c> first, in one transfer from the device.</summary>
    /// <param name="loss">Scalar.</param>
    /// <param name="terms">Of this pass.</param>
    /// <param name="tokens">[N + M] each, the N tokens of the chosen answers first.</param>
    /// <param name="meanLogits">[N + M]</param>
    /// <param name="beta">β: a reward is β times the ratio.</param>
    public static Dictionary<string, float> Of(Tensor loss, DpoTerms terms, TokenLogProbs tokens, Tensor meanLogits, double beta)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        long chosen = terms.ChosenTokenLogProbs.shape[0];
        long rejected = meanLogits.shape[0] - chosen;
        (string Name, Tensor Value)[] metrics =
        [
            ("loss", loss.detach()),
            ("entropy", tokens.Entropy.mean()),
            ("mean_token_accuracy", tokens.Hit.narrow(0, 0, chosen).mean()),
            ("logits/chosen", meanLogits.narrow(0, 0, chosen).mean()),
            ("logits/rejected", meanLogits.narrow(0, chosen, rejected).mean()),
            ("logps/chosen", terms.Policy.Chosen.mean()),
            ("logps/rejected", terms.Policy.Rejected.mean()),
            ("rewards/chosen", terms.ChosenRatio.mean() * beta),
            ("rewards/rejected", terms.RejectedRatio.mean() * beta),
            ("rewards/accuracies", terms.ChosenRatio.gt(terms.RejectedRatio).to_type(ScalarType.Float32).mean()),
            ("rewards/margins", (terms.ChosenRatio - terms.RejectedRatio).mean() * beta),
        ];
        float[] numbers = stack(metrics.Select(metric => metric.Value)).cpu().data<float>().ToArray();
        return metrics.Zip(numbers).ToDictionary(pair => pair.First.Name, pair => pair.Second);
    }
}
