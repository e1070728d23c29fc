using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Evaluation;

/// <summary>Predicts the tokens of texts.</summary>
internal static class LanguageModelEvaluator
{
    /// <summary>Means over all tokens of all rows.</summary>
    /// <param name="model">Only read.</param>
    /// <param name="examples">At least one, with at least one token to predict.</param>
    /// <param name="batchSize">Rows per forward pass.</param>
    /// <param name="cancel">Looked at for every batch.</param>
    public static LanguageModelMetrics Evaluate(
        CausalLanguageModel model, IReadOnlyList<TokenExample> examples, int batchSize, CancellationToken cancel)
    {
        double loss = 0, hits = 0, entropy = 0;
        long tokens = 0;
        foreach (TokenExample[] rows in examples.OrderBy(example => example.Ids.Length).Chunk(batchSize))
        {
            cancel.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            using IDisposable frozen = no_grad();
            using TokenBatch batch = model.Batch(rows);
            TokenLogProbs found = LogProbs.WithStatistics(model.HiddenAt(batch), model.Head, batch.Labels);
            loss -= Sum(found.LogProbs);
            hits += Sum(found.Hit);
            entropy += Sum(found.Entropy);
            tokens += batch.Targets;
        }
        return new LanguageModelMetrics(
            loss / tokens, Math.Exp(loss / tokens), hits / tokens, entropy / tokens, tokens, examples.Count);
    }

    private static double Sum(Tensor values) => values.to_type(ScalarType.Float64).sum().item<double>();
}
