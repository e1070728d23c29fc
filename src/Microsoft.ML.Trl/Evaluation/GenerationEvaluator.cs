using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Evaluation;

/// <summary>Figures of completions.</summary>
internal static class GenerationEvaluator
{
    /// <summary>Mean over completions of the summed difference of log-probabilities.</summary>
    /// <param name="policy">Only read.</param>
    /// <param name="reference">Only read; on the same device.</param>
    /// <param name="answers">What the policy has written.</param>
    /// <param name="batchSize">Completions per forward pass.</param>
    /// <param name="cancel">Looked at for every batch.</param>
    public static double Kl(
        CausalLanguageModel policy, CausalLanguageModel reference, IReadOnlyList<Answer> answers, int batchSize, CancellationToken cancel)
    {
        double sum = 0;
        foreach (Answer[] some in answers.Chunk(batchSize))
        {
            cancel.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            using IDisposable frozen = no_grad();
            TokenExample[] rows = [.. some.Select(answer => new TokenExample([.. answer.Prompt, .. answer.Tokens], answer.Prompt.Length))];
            using TokenBatch batch = policy.Batch(rows);
            sum += (Sum(policy, batch) - Sum(reference, batch)).item<double>();
        }
        return sum / answers.Count;
    }

    private static Tensor Sum(CausalLanguageModel model, TokenBatch batch) => LogProbs
        .OfHidden(model.HiddenAt(batch), model.Head, batch.Labels).to_type(ScalarType.Float64).sum();
}
