using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>What the policy is held against.</summary>
internal interface IPairReference : IDisposable
{
    /// <summary>Log-probabilities of the answers of a batch. They belong to the current scope.</summary>
    PairLogProbs Score(PairBatch batch);

    /// <summary>Called after each optimizer step.</summary>
    /// <param name="policy">The weights as they are now.</param>
    /// <param name="step">Counted from 1.</param>
    void Follow(CausalLanguageModel policy, int step);
}

/// <summary>How a reference follows the policy: arXiv:2404.09656, Eq. 3.</summary>
/// <param name="Steps">Optimizer steps between two moves. At least 1.</param>
/// <param name="Alpha">Share of the policy in the new reference, in [0, 1].</param>
internal sealed record ReferenceSync(int Steps, double Alpha);

/// <summary>A second model, read anew for every batch; follows the policy where that is asked for.</summary>
internal sealed class ModelReference : IPairReference
{
    private readonly CausalLanguageModel _model;
    private readonly bool _owned;
    private readonly ReferenceSync? _sync;

    /// <param name="model">Its weights change only when it follows.</param>
    /// <param name="owned">Whether to dispose the model at the end.</param>
    /// <param name="sync">When and how far to follow; null = never.</param>
    public ModelReference(CausalLanguageModel model, bool owned, ReferenceSync? sync)
    {
        (_model, _owned, _sync) = (model, owned, sync);
        model.eval(); // no dropout in a reference
    }

    public PairLogProbs Score(PairBatch batch) => PairScorer.Score(_model, batch);

    public void Follow(CausalLanguageModel policy, int step)
    {
        if (_sync is null || step % _sync.Steps != 0)
            return;
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        Dictionary<string, Tensor> ours = policy.Weights().ToDictionary(weight => weight.Name, weight => weight.Value);
        foreach ((string name, Tensor theirs) in _model.Weights())
            theirs.mul_(1 - _sync.Alpha).add_(ours[name], _sync.Alpha); // reference = α policy + (1-α) reference
    }

    public void Dispose()
    {
        if (_owned)
            _model.Dispose();
    }
}

/// <summary>A reference that finds every answer equally likely.</summary>
internal sealed class NoReference : IPairReference
{
    public PairLogProbs Score(PairBatch batch)
    {
        Tensor zero = zeros(batch.Size, device: batch.Tokens.Ids.device);
        return new PairLogProbs(zero, zero);
    }

    public void Follow(CausalLanguageModel policy, int step) { }

    public void Dispose() { }
}

/// <summary>Log-probabilities of all answers, computed once: the model that gave them is no longer needed.</summary>
internal sealed class PrecomputedReference : IPairReference
{
    private readonly float[] _chosen;
    private readonly float[] _rejected;
    private readonly Device _device;

    /// <summary>Reads all pairs, similar lengths together.</summary>
    /// <param name="model">The reference; may be the policy before its first step.</param>
    /// <param name="examples">All pairs of the run.</param>
    /// <param name="layout">How pairs become rows.</param>
    /// <param name="batchSize">Pairs per forward pass.</param>
    /// <param name="cancel">Looked at for every batch.</param>
    public PrecomputedReference(
        CausalLanguageModel model, IReadOnlyList<PreferenceExample> examples, PairLayout layout, int batchSize, CancellationToken cancel)
    {
        (_chosen, _rejected, _device) = (new float[examples.Count], new float[examples.Count], model.Device);
        foreach (int[] pairs in Enumerable.Range(0, examples.Count).OrderBy(pair => examples[pair].Length).Chunk(batchSize))
        {
            cancel.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var batch = new PairBatch(examples, pairs, layout, layout.For(model));
            PairLogProbs sums = PairScorer.Score(model, batch);
            Spread(sums.Chosen, pairs, _chosen);
            Spread(sums.Rejected, pairs, _rejected);
        }
    }

    public PairLogProbs Score(PairBatch batch) => new(Collect(_chosen, batch), Collect(_rejected, batch));

    public void Follow(CausalLanguageModel policy, int step) { }

    public void Dispose() { }

    private static void Spread(Tensor values, int[] pairs, float[] all)
    {
        float[] numbers = values.cpu().data<float>().ToArray();
        for (int i = 0; i < pairs.Length; i++)
            all[pairs[i]] = numbers[i];
    }

    private Tensor Collect(float[] all, PairBatch batch) => tensor(batch.Pairs.Select(pair => all[pair]).ToArray(), device: _device);
}
