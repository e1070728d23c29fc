using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>TRL's metrics of one forward pass over pairs.</summary>
internal static class PairMetrics
{
    /// <summary>Of how many tokens or pairs a metric of a batch is the mean.</summary>
    /// <param name="metric">TRL's name.</param>
    /// <param name="batch">That it was measured on.</param>
    public static double Weight(string metric, PairBatch batch) => metric switch
    {
        "logits/chosen" or "mean_token_accuracy" => batch.Answers.TokenCounts.Take(batch.Size).Sum(),
        "logits/rejected" => batch.Answers.TokenCounts.Skip(batch.Size).Sum(),
        "entropy" => batch.Tokens.Targets,
        _ => batch.Size,
    };

    /// <summary>One number per TRL name, <c>loss</c> first, in one transfer from the device.</summary>
    /// <param name="loss">Scalar.</param>
    /// <param name="batch">Which token belongs to which answer.</param>
    /// <param name="logProbs">[B] and [B] of the answers, as the method compares them.</param>
    /// <param name="rewards">[B] and [B]: what the method implies that they are worth.</param>
    /// <param name="meanLogits">[N + M]</param>
    /// <param name="more">Scalars that only the method has.</param>
    public static Dictionary<string, float> Of(
        Tensor loss, PairBatch batch, PairLogProbs logProbs, PairLogProbs rewards, Tensor meanLogits,
        params (string Name, Tensor Value)[] more)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        (Tensor chosenLogits, Tensor rejectedLogits) = batch.MeanOverTokens(meanLogits);
        (string Name, Tensor Value)[] metrics =
        [
            ("loss", loss.detach()),
            .. more,
            ("logits/chosen", chosenLogits),
            ("logits/rejected", rejectedLogits),
            ("logps/chosen", logProbs.Chosen.mean()),
            ("logps/rejected", logProbs.Rejected.mean()),
            ("rewards/chosen", rewards.Chosen.mean()),
            ("rewards/rejected", rewards.Rejected.mean()),
            ("rewards/accuracies", rewards.Chosen.gt(rewards.Rejected).to_type(ScalarType.Float32).mean()),
            ("rewards/margins", (rewards.Chosen - rewards.Rejected).mean()),
        ];
        float[] numbers = stack(metrics.Select(metric => metric.Value.to_type(ScalarType.Float32))).cpu().data<float>().ToArray();
        return metrics.Zip(numbers).ToDictionary(pair => pair.First.Name, pair => pair.Second);
    }
}
