using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>What the policy is held against.</summary>
internal interface IReference : IDisposable
{
    /// <summary>Log-probabilities of the answers of a batch, summed over each: [R], no gradient. Belongs to the current scope.</summary>
    Tensor Score(AnswerBatch batch);

    /// <summary>A model that can be asked for more; null = there is none, or it is not kept. Not the caller's.</summary>
    CausalLanguageModel? Model { get; }

    /// <summary>Called after each optimizer step.</summary>
    /// <param name="policy">The weights as they are now.</param>
    /// <param name="step">Counted from 1.</param>
    void Follow(CausalLanguageModel policy, int step);
}

/// <summary>All answers of a run, as a reference has to score them before training.</summary>
/// <param name="Count">How many there are; their numbers are 0 to Count - 1.</param>
/// <param name="ExampleLengths">Length of each example in tokens.</param>
/// <param name="Batch">The answers of some examples, laid out for a model.</param>
internal sealed record RunAnswers(int Count, IReadOnlyList<int> ExampleLengths, Func<int[], CausalLanguageModel, AnswerBatch> Batch);

/// <summary>Makes the reference that options ask for.</summary>
internal static class References
{
    /// <summary>A model that is read anew for every batch, or what it says of all answers now.</summary>
    /// <param name="policy">As it is before the first step.</param>
    /// <param name="given">A reference of the caller's; null = the policy as it is.</param>
    /// <param name="options">Of the method.</param>
    /// <param name="answers">What there is to score.</param>
    /// <param name="cancel">Looked at for every batch that is scored before training.</param>
    public static IReference Of(
        CausalLanguageModel policy, CausalLanguageModel? given, ReferenceOptions options, RunAnswers answers, CancellationToken cancel)
    {
        if (!options.PrecomputeRefLogProbs)
            return new ModelReference(HeldModel.Of(policy, given, options.ReferenceModel, options.Sync));
        policy.eval(); // the reference may be the policy itself, without dropout
        int batchSize = options.PrecomputeRefBatchSize ?? options.PerDeviceTrainBatchSize;
        bool isAdapted = policy.Adapters is { IsTrained: true };
        using CausalLanguageModel? without = given is null && isAdapted ? policy.CreateReferenceModel() : null;
        return new PrecomputedReference(given ?? without ?? policy, answers, batchSize, cancel);
    }
}

/// <summary>A second model, read anew for every batch.</summary>
internal sealed class ModelReference(HeldModel model) : IReference
{
    public Tensor Score(AnswerBatch batch) => AnswerPass.Score(model.Network, batch);

    public void Follow(CausalLanguageModel policy, int step) => model.Follow(policy, step);

    public CausalLanguageModel? Model => model.Network;

    public void Dispose() => model.Dispose();
}

/// <summary>A reference that finds every answer equally likely.</summary>
internal sealed class NoReference : IReference
{
    public CausalLanguageModel? Model => null;

    public Tensor Score(AnswerBatch batch) => zeros(batch.Size, device: batch.Tokens.Ids.device);

    public void Follow(CausalLanguageModel policy, int step) { }

    public void Dispose() { }
}

/// <summary>Log-probabilities of all answers, computed once: the model that gave them is no longer needed.</summary>
internal sealed class PrecomputedReference : IReference
{
    private readonly float[] _logProbs;
    private readonly Device _device;

    /// <summary>Reads all answers, examples of similar lengths together.</summary>
    /// <param name="model">The reference; may be the policy before its first step.</param>
    /// <param name="answers">What there is to score.</param>
    /// <param name="batchSize">Examples per forward pass.</param>
    /// <param name="cancel">Looked at for every batch.</param>
    public PrecomputedReference(CausalLanguageModel model, RunAnswers answers, int batchSize, CancellationToken cancel)
    {
        (_logProbs, _device) = (new float[answers.Count], model.Device);
        IReadOnlyList<int> lengths = answers.ExampleLengths;
        foreach (int[] examples in Enumerable.Range(0, lengths.Count).OrderBy(example => lengths[example]).Chunk(batchSize))
        {
            cancel.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using AnswerBatch batch = answers.Batch(examples, model);
            float[] sums = AnswerPass.Score(model, batch).cpu().data<float>().ToArray();
            for (int row = 0; row < sums.Length; row++)
                _logProbs[batch.Numbers[row]] = sums[row];
        }
    }

    public CausalLanguageModel? Model => null;

    public Tensor Score(AnswerBatch batch) => tensor(batch.Numbers.Select(number => _logProbs[number]).ToArray(), device: _device);

    public void Follow(CausalLanguageModel policy, int step) { }

    public void Dispose() { }
}
