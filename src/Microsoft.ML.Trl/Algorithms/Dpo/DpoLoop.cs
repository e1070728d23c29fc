using Microsoft.ML.Trl.Datasets;
using Microsoft.ML.Trl.Models;
using Microsoft.ML.Trl.Optimization;
using Microsoft.ML.Trl.Tracking;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Dpo;

/// <summary>Direct preference optimisation of a policy, from token ids to trained weights.</summary>
/// <param name="policy">Trained in place.</param>
/// <param name="reference">What the policy is held against; never changed unless it is synchronised. Null = the policy as it is before the first step.</param>
/// <param name="options">Checked here.</param>
/// <param name="progress">Told every <see cref="TrainingOptions.LoggingSteps"/> steps; null = nobody.</param>
internal sealed class DpoLoop(CausalLanguageModel policy, CausalLanguageModel? reference, DpoOptions options, IProgress<StepReport>? progress)
{
    private const string Stage = "DPO";

    /// <summary>Runs all steps.</summary>
    /// <param name="examples">At least one pair.</param>
    /// <param name="cancel">Looked at before every step.</param>
    /// <exception cref="ArgumentException">A pair cannot be learnt from; the message names its row. Nothing has changed.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; the weights are those of the last finished step.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient stopped being a number; the weights are those of the last good step.</exception>
    public void Run(IReadOnlyList<PreferenceExample> examples, CancellationToken cancel)
    {
        options.Validated();
        PairChecks.Check(examples, options, policy.Config);
        var plan = new EpochPlan([.. examples.Select(Length)], options);
        using Generator chance = new Generator((ulong)options.Seed, policy.Device);
        Prepare(chance);
        using IPairReference theirs = Reference(examples, cancel);
        using GradientStep step = GradientStep.For(policy, options, plan.TotalSteps);
        var report = new DpoReport(Stage, plan.TotalSteps, options, progress);
        var forward = new DpoStep(policy, theirs, options);
        foreach (StepPlan next in plan.Steps())
        {
            if (cancel.IsCancellationRequested)
                throw new TrainingCanceledException(Stage, step.Number, plan.TotalSteps, cancel);
            double rate = step.LearningRate;
            double norm = Learn(forward, step, report, examples, next);
            theirs.Follow(policy, next.Number);
            report.StepDone(next, norm, rate);
        }
    }

    private double Learn(DpoStep forward, GradientStep step, DpoReport report, IReadOnlyList<PreferenceExample> examples, StepPlan plan)
    {
        int pairs = plan.MicroBatches.Sum(micro => micro.Length);
        double loss = 0;
        foreach (int[] micro in plan.MicroBatches)
        {
            using var scope = NewDisposeScope();
            using var batch = new PairBatch(examples, micro, options, policy.Device);
            (Tensor mean, float[] metrics) = forward.Forward(batch);
            double share = micro.Length / (double)pairs;
            step.Accumulate(share == 1 ? mean : mean * share);
            loss += metrics[0] * share;
            report.Passed(metrics, batch.Tokens.Tokens);
        }
        return step.Step(loss);
    }

    private void Prepare(Generator chance)
    {
        policy.train();
        if (options.DisableDropout)
            policy.SetDropout(null);
        else
            policy.SetDropout(chance);
        reference?.eval();
    }

    private IPairReference Reference(IReadOnlyList<PreferenceExample> examples, CancellationToken cancel)
    {
        if (options.ReferenceFree)
            return new NoReference();
        if (!options.PrecomputeRefLogProbs)
            return reference is null ? new ModelReference(Frozen(policy.Copy()), true, options) : new ModelReference(reference, false, options);
        policy.eval(); // the reference may be the policy itself, without dropout
        var known = new PrecomputedReference(reference ?? policy, examples, options, cancel);
        policy.train();
        return known;
    }

    private static CausalLanguageModel Frozen(CausalLanguageModel model)
    {
        model.eval();
        return model;
    }

    private static int Length(PreferenceExample example) => example.Prompt.Length + Math.Max(example.Chosen.Length, example.Rejected.Length);
}
