using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>TRL's metrics of one forward pass over completions that are wanted or not.</summary>
internal static class UnpairedMetrics
{
    private const string Margins = "rewards/margins";

    /// <summary>Of how many tokens or completions a metric of a batch is the mean.</summary>
    /// <param name="metric">TRL's name.</param>
    /// <param name="batch">That it was measured on.</param>
    public static double Weight(string metric, UnpairedBatch batch) => metric switch
    {
        "logits/chosen" or "logits/rejected" => Rows(batch, metric == "logits/chosen").Sum(row => batch.Answers.Tokens.TargetCounts[row]),
        "logps/chosen" or "rewards/chosen" => Rows(batch, wanted: true).Length,
        "logps/rejected" or "rewards/rejected" => Rows(batch, wanted: false).Length,
        "entropy" => batch.Answers.Tokens.Targets,
        _ => batch.Answers.Size,
    };

    /// <summary>The margin between wanted and unwanted completions of all batches; without one kind there is none.</summary>
    public static void Complete(Dictionary<string, double> figures)
    {
        figures.Remove(Margins);
        if (figures.TryGetValue("rewards/chosen", out double chosen) && figures.TryGetValue("rewards/rejected", out double rejected))
            figures[Margins] = chosen - rejected;
    }

    /// <summary>
    /// One number per TRL name, in one transfer from the device. What concerns wanted completions is left out where the batch has none, and
    /// likewise the unwanted ones.
    /// </summary>
    /// <param name="loss">Scalar.</param>
    /// <param name="batch">Which completions are wanted.</param>
    /// <param name="logProbs">[B] under the policy.</param>
    /// <param name="rewards">[B]: what the method implies that they are worth.</param>
    /// <param name="meanLogits">[N]</param>
    /// <param name="more">Scalars that only the method has.</param>
    public static Dictionary<string, float> Of(
        Tensor loss, UnpairedBatch batch, Tensor logProbs, Tensor rewards, Tensor meanLogits, params (string Name, Tensor Value)[] more)
    {
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        Tensor[] parts =
        [
            loss.detach().view(1), .. more.Select(metric => metric.Value.view(1)),
            logProbs, rewards, batch.Answers.Tokens.SumPerRow(meanLogits),
        ];
        float[] numbers = cat([.. parts.Select(part => part.to_type(ScalarType.Float32))]).cpu().data<float>().ToArray();
        Dictionary<string, float> metrics = new() { ["loss"] = numbers[0] };
        for (int i = 0; i < more.Length; i++)
            metrics[more[i].Name] = numbers[i + 1];
        float[][] perRow = [.. numbers.Skip(1 + more.Length).Chunk(batch.IsDesirable.Count)];
        Add(metrics, "chosen", wanted: true, batch, perRow);
        Add(metrics, "rejected", wanted: false, batch, perRow);
        if (metrics.TryGetValue("rewards/chosen", out float chosen) && metrics.TryGetValue("rewards/rejected", out float rejected))
            metrics[Margins] = chosen - rejected;
        return metrics;
    }

    private static void Add(Dictionary<string, float> metrics, string name, bool wanted, UnpairedBatch batch, float[][] perRow)
    {
        int[] rows = Rows(batch, wanted);
        if (rows.Length == 0)
            return;
        metrics["logps/" + name] = rows.Average(row => perRow[0][row]);
        metrics["rewards/" + name] = rows.Average(row => perRow[1][row]);
        metrics["logits/" + name] = rows.Sum(row => perRow[2][row]) / rows.Sum(row => batch.Answers.Tokens.TargetCounts[row]);
    }

    private static int[] Rows(UnpairedBatch batch, bool wanted) =>
        [.. Enumerable.Range(0, batch.IsDesirable.Count).Where(row => batch.IsDesirable[row] == wanted)];
}
