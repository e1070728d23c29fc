using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Dpo;

/// <summary>Direct preference optimisation of a policy, from token ids to trained weights.</summary>
/// <param name="policy">Trained in place.</param>
/// <param name="reference">What the policy is held against; changed only by synchronising. Null = the policy before the first step.</param>
/// <param name="options">Checked here.</param>
/// <param name="progress">Told every <see cref="TrainingOptions.LoggingSteps"/> steps; null = nobody.</param>
internal sealed class DpoLoop(
    CausalLanguageModel policy, CausalLanguageModel? reference, DpoOptions options, IProgress<StepReport>? progress = null)
{
    private readonly DpoObjective _objective = new(options.Validated());
    private readonly AuxiliaryLoss _auxiliary = new(policy.Config, options.RouterAuxLossCoef);

    /// <summary>Runs all steps.</summary>
    /// <param name="examples">At least one pair.</param>
    /// <param name="cancel">Looked at before every step.</param>
    /// <exception cref="ArgumentException">A pair cannot be learnt from; the message names its row. Nothing has changed.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; the weights are those of the last finished step.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient is no finite number; the weights are of the last good step.</exception>
    public void Run(IReadOnlyList<PreferenceExample> examples, CancellationToken cancel = default)
    {
        PairChecks.Check(examples, options.MaxLength, policy.Config);
        var plan = new EpochPlan([.. examples.Select(example => example.Length)], options);
        var run = new TrainingRun("DPO", plan, options, progress, cancel);
        using IPairReference held = Reference(examples, cancel);
        run.Learn(
            plan.Steps(), policy, options, dropout: !options.DisableDropout,
            (step, gradients) => step.MicroBatches.Sum(
                pairs => Accumulate(examples, pairs, pairs.Length / (double)step.Examples, held, gradients, run)),
            updated: step => held.Follow(policy, step.Number));
    }

    /// <summary>Forward and backward pass of one micro batch.</summary>
    /// <returns>Its share of the step's loss.</returns>
    private double Accumulate(
        IReadOnlyList<PreferenceExample> examples, int[] pairs, double share, IPairReference held, GradientStep gradients, TrainingRun run)
    {
        using var scope = NewDisposeScope();
        using var batch = new PairBatch(examples, pairs, options.Layout, options.Layout.For(policy));
        PairLogProbs theirs = held.Score(batch);
        RouterLoad? load = _auxiliary.Begin(batch.Tokens);
        (TokenLogProbs tokens, Tensor meanLogits) = PairScorer.Tokens(policy, batch, load);
        (Tensor compared, Dictionary<string, float> metrics) = _objective.Compare(batch, theirs, tokens, meanLogits);
        (Tensor loss, double added) = _auxiliary.AddTo(compared, load, run.Log);
        gradients.Accumulate(share == 1 ? loss : loss * share);
        run.Log.CountTokens(batch.Tokens.Tokens);
        foreach ((string name, float value) in metrics.Where(metric => metric.Key != "loss")) // which is that of the whole step
            run.Log.Note(name, value);
        return (metrics["loss"] + added) * share;
    }

    private IPairReference Reference(IReadOnlyList<PreferenceExample> examples, CancellationToken cancel)
    {
        if (options.ReferenceFree)
            return new NoReference();
        if (!options.PrecomputeRefLogProbs)
        {
            CausalLanguageModel held = reference
                ?? (options.SyncRefModel ? policy.Copy() : policy.CreateReferenceModel(options.ReferenceModel));
            return new ModelReference(held, owned: reference is null, options.Sync);
        }
        policy.eval(); // the reference may be the policy itself, without dropout
        int batchSize = options.PrecomputeRefBatchSize ?? options.PerDeviceTrainBatchSize;
        bool isAdapted = policy.Adapters is { IsTrained: true };
        using CausalLanguageModel? without = reference is null && isAdapted ? policy.CreateReferenceModel() : null;
        return new PrecomputedReference(reference ?? without ?? policy, examples, options.Layout, batchSize, cancel);
    }
}
