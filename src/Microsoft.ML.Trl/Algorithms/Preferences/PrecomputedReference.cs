using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>Log-probabilities of all answers, computed once: the model that gave them is no longer needed.</summary>
internal sealed class PrecomputedReference : IPairReference
{
    private readonly float[] _chosen;
    private readonly float[] _rejected;
    private readonly Device _device;

    /// <summary>Reads all pairs, similar lengths together.</summary>
    /// <param name="model">The reference; may be the policy before its first step.</param>
    /// <param name="examples">All pairs of the run.</param>
    /// <param name="options">Batch size and cuts.</param>
    /// <param name="cancel">Looked at for every batch.</param>
    public PrecomputedReference(CausalLanguageModel model, IReadOnlyList<PreferenceExample> examples, DpoOptions options, CancellationToken cancel)
    {
        (_chosen, _rejected, _device) = (new float[examples.Count], new float[examples.Count], model.Device);
        int size = options.PrecomputeRefBatchSize ?? options.PerDeviceTrainBatchSize;
        IEnumerable<int> byLength = Enumerable.Range(0, examples.Count)
            .OrderBy(pair => examples[pair].Prompt.Length + Math.Max(examples[pair].Chosen.Length, examples[pair].Rejected.Length));
        foreach (int[] pairs in byLength.Chunk(size))
        {
            cancel.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var batch = new PairBatch(examples, pairs, options, _device);
            PairLogProbs sums = PairScorer.Score(model, batch);
            Spread(sums.Chosen, pairs, _chosen);
            Spread(sums.Rejected, pairs, _rejected);
        }
    }

    public PairLogProbs Score(PairBatch batch) => new(Collect(_chosen, batch), Collect(_rejected, batch));

    public void Follow(CausalLanguageModel policy, int step)
    {
    }

    public void Dispose()
    {
    }

    private static void Spread(Tensor values, int[] pairs, float[] all)
    {
        float[] numbers = values.cpu().data<float>().ToArray();
        for (int i = 0; i < pairs.Length; i++)
            all[pairs[i]] = numbers[i];
    }

    private Tensor Collect(float[] all, PairBatch batch) => tensor(batch.Pairs.Select(pair => all[pair]).ToArray(), device: _device);
}
