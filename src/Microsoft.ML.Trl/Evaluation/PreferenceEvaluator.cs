using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Evaluation;

/// <summary>Compares the two answers of pairs.</summary>
internal static class PreferenceEvaluator
{
    /// <summary>By the score of a reward model.</summary>
    public static PreferenceMetrics Evaluate(
        TextRewardModel model, IReadOnlyList<PreferenceExample> pairs, CancellationToken cancel)
    {
        var (chosen, rejected) = (new List<double>(), new List<double>());
        foreach (PreferenceExample pair in pairs)
        {
            cancel.ThrowIfCancellationRequested();
            float[] scores = model.Score([pair.PromptAndChosen(), pair.PromptAndRejected()]);
            chosen.Add(scores[0]);
            rejected.Add(scores[1]);
        }
        return PreferenceMetrics.Of(chosen, rejected);
    }

    /// <summary>By a policy's implicit reward: β times log-probability, less that of the reference (arXiv:2305.18290, Eq. 5).</summary>
    /// <param name="policy">Only read.</param>
    /// <param name="reference">Only read; null = its log-probabilities count as 0.</param>
    /// <param name="pairs">At least one.</param>
    /// <param name="options">β, layout and batch size.</param>
    /// <param name="cancel">Looked at for every batch.</param>
    public static PreferenceMetrics Evaluate(
        CausalLanguageModel policy,
        CausalLanguageModel? reference,
        IReadOnlyList<PreferenceExample> pairs,
        DpoOptions options,
        CancellationToken cancel)
    {
        var (chosen, rejected) = (new List<double>(), new List<double>());
        int[] order = [.. Enumerable.Range(0, pairs.Count).OrderBy(pair => pairs[pair].Length)];
        foreach (int[] some in order.Chunk(options.PerDeviceTrainBatchSize))
        {
            cancel.ThrowIfCancellationRequested();
            using DisposeScope scope = NewDisposeScope();
            using var batch = new PairBatch(pairs, some, options.Layout, options.Layout.For(policy));
            PairLogProbs ours = batch.Split(AnswerPass.Score(policy, batch.Answers));
            PairLogProbs? theirs = reference is null ? null : batch.Split(AnswerPass.Score(reference, batch.Answers));
            chosen.AddRange(Rewards(ours.Chosen, theirs?.Chosen, options.Beta));
            rejected.AddRange(Rewards(ours.Rejected, theirs?.Rejected, options.Beta));
        }
        return PreferenceMetrics.Of(chosen, rejected);
    }

    private static double[] Rewards(Tensor ours, Tensor? theirs, double beta) =>
        Array.ConvertAll((theirs is null ? ours : ours - theirs).cpu().data<float>().ToArray(), ratio => beta * ratio);
}
