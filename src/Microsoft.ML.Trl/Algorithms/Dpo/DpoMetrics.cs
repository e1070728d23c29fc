using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Dpo;

/// <summary>TRL's metrics of one forward pass.</summary>
internal static class DpoMetrics
{
    /// <summary>What <see cref="Of"/> gives, in this order; <c>loss</c> first.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "loss", "entropy", "mean_token_accuracy", "logits/chosen", "logits/rejected", "logps/chosen", "logps/rejected",
        "rewards/chosen", "rewards/rejected", "rewards/accuracies", "rewards/margins",
    ];

    /// <summary>One number per name, in one transfer from the device.</summary>
    /// <param name="loss">Scalar.</param>
    /// <param name="terms">Of this pass.</param>
    /// <param name="tokens">[N + M] each, the N tokens of the chosen answers first.</param>
    /// <param name="meanLogits">[N + M]</param>
    /// <param name="beta">β: a reward is β times the ratio.</param>
    public static float[] Of(Tensor loss, DpoTerms terms, TokenLogProbs tokens, Tensor meanLogits, double beta)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        long chosen = terms.ChosenTokenLogProbs.shape[0];
        long rejected = meanLogits.shape[0] - chosen;
        Tensor[] numbers =
        [
            loss.detach(),
            tokens.Entropy.mean(),
            tokens.Hit.narrow(0, 0, chosen).mean(),
            meanLogits.narrow(0, 0, chosen).mean(),
            meanLogits.narrow(0, chosen, rejected).mean(),
            terms.Policy.Chosen.mean(),
            terms.Policy.Rejected.mean(),
            terms.ChosenRatio.mean() * beta,
            terms.RejectedRatio.mean() * beta,
            terms.ChosenRatio.gt(terms.RejectedRatio).to_type(ScalarType.Float32).mean(),
            (terms.ChosenRatio - terms.RejectedRatio).mean() * beta,
        ];
        return stack(numbers).cpu().data<float>().ToArray();
    }
}
