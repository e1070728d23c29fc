using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Dpo;

/// <summary>Direct preference optimisation of a policy, from token ids to trained weights.</summary>
/// <param name="policy">Trained in place.</param>
/// <param name="reference">What the policy is held against; never changed unless it is synchronised. Null = the policy as it is before the first step.</param>
/// <param name="options">Checked here.</param>
/// <param name="progress">Told every <see cref="TrainingOptions.LoggingSteps"/> steps; null = nobody.</param>
internal sealed class DpoLoop(CausalLanguageModel policy, CausalLanguageModel? reference, DpoOptions options, IProgress<StepReport>? progress = null)
{
    private const string Stage = "DPO";

    /// <summary>Runs all steps.</summary>
    /// <param name="examples">At least one pair.</param>
    /// <param name="cancel">Looked at before every step.</param>
    /// <exception cref="ArgumentException">A pair cannot be learnt from; the message names its row. Nothing has changed.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; the weights are those of the last finished step.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient stopped being a number; the weights are those of the last good step.</exception>
    public void Run(IReadOnlyList<PreferenceExample> examples, CancellationToken cancel = default)
    {
        options.Validated();
        PairChecks.Check(examples, options, policy.Config);
        var plan = new EpochPlan([.. examples.Select(Length)], options);
        var log = new StepLog(Stage, plan.TotalSteps, options, progress);
        using var chance = new Generator((ulong)(uint)options.Seed, policy.Device);
        using IPairReference theirs = Reference(examples, cancel);
        using GradientStep step = GradientStep.For(policy, options, plan.TotalSteps);
        var forward = new DpoStep(policy, theirs, options);
        policy.SetDropout(options.DisableDropout ? null : chance);
        policy.train();
        try
        {
            foreach (StepPlan next in plan.Steps())
            {
                if (cancel.IsCancellationRequested)
                    throw new TrainingCanceledException(Stage, step.Number, plan.TotalSteps, cancel);
                double rate = step.LearningRate;
                int all = next.MicroBatches.Sum(micro => micro.Length);
                double loss = next.MicroBatches.Sum(micro => Learn(forward, step, log, examples, micro, micro.Length / (double)all));
                double norm = step.Step(loss);
                theirs.Follow(policy, next.Number);
                log.EndStep(next.Number, next.Epoch, loss, norm, rate);
            }
        }
        finally
        {
            policy.eval();
            policy.SetDropout(null);
        }
    }

    /// <summary>Forward and backward pass of one micro batch.</summary>
    /// <returns>Its share of the step's loss.</returns>
    private double Learn(DpoStep forward, GradientStep step, StepLog log, IReadOnlyList<PreferenceExample> examples, int[] micro, double share)
    {
        using var scope = NewDisposeScope();
        using var batch = new PairBatch(examples, micro, options, policy.Device);
        (Tensor mean, float[] metrics) = forward.Forward(batch);
        step.Accumulate(share == 1 ? mean : mean * share);
        log.AddTokens(batch.Tokens.Tokens);
        for (int i = 1; i < metrics.Length; i++)
            log.Add(DpoMetrics.Names[i], metrics[i]);
        return metrics[0] * share;
    }

    private IPairReference Reference(IReadOnlyList<PreferenceExample> examples, CancellationToken cancel)
    {
        if (options.ReferenceFree)
            return new NoReference();
        if (!options.PrecomputeRefLogProbs)
            return reference is null ? new ModelReference(policy.Copy(), true, options) : new ModelReference(reference, false, options);
        policy.eval(); // the reference may be the policy itself, without dropout
        return new PrecomputedReference(reference ?? policy, examples, options, cancel);
    }

    private static int Length(PreferenceExample example) => example.Prompt.Length + Math.Max(example.Chosen.Length, example.Rejected.Length);
}
