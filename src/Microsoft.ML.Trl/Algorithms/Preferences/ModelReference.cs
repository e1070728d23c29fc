using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>A second model, read anew for every batch; follows the policy where the options ask for it.</summary>
internal sealed class ModelReference : IPairReference
{
    private readonly CausalLanguageModel _model;
    private readonly bool _owned;
    private readonly DpoOptions _options;

    /// <param name="model">Its weights change only when it follows.</param>
    /// <param name="owned">Whether to dispose the model at the end.</param>
    /// <param name="options">When and how far to follow.</param>
    public ModelReference(CausalLanguageModel model, bool owned, DpoOptions options)
    {
        (_model, _owned, _options) = (model, owned, options);
        model.eval(); // no dropout in a reference
    }

    public PairLogProbs Score(PairBatch batch) => PairScorer.Score(_model, batch);

    /// <summary>arXiv:2404.09656, Eq. 3: <c>reference = α policy + (1-α) reference</c>.</summary>
    public void Follow(CausalLanguageModel policy, int step)
    {
        if (!_options.SyncRefModel || step % _options.RefModelSyncSteps != 0)
            return;
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        double alpha = _options.RefModelMixupAlpha;
        Dictionary<string, Tensor> ours = policy.Weights().ToDictionary(weight => weight.Name, weight => weight.Value);
        foreach ((string name, Tensor theirs) in _model.Weights())
            theirs.mul_(1 - alpha).add_(ours[name], alpha);
    }

    public void Dispose()
    {
        if (_owned)
            _model.Dispose();
    }
}
