using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Evaluation;

/// <summary>Figures of completions.</summary>
internal static class GenerationEvaluator
{
    /// <summary>Different runs of words, as a share of all; NaN where there is none.</summary>
    /// <param name="texts">Words are what stands between white space.</param>
    /// <param name="length">Words of a run.</param>
    public static double Distinct(IEnumerable<string> texts, int length)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        int all = 0;
        foreach (string text in texts)
        {
            string[] words = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            for (int start = 0; start + length <= words.Length; start++, all++)
                seen.Add(string.Join(' ', words[start..(start + length)]));
        }
        return all == 0 ? double.NaN : seen.Count / (double)all;
    }

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
