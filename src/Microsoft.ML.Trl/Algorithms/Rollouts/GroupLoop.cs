namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>
/// Learns a policy from its own completions, several of each prompt, from prompts to trained weights. What is minimised is the method's.
/// </summary>
/// <param name="stage">Who trains, for messages and reports.</param>
/// <param name="policy">Trained in place.</param>
/// <param name="options">Validated.</param>
/// <param name="objective">Of the method.</param>
/// <param name="progress">Told every <see cref="TrainingOptions.LoggingSteps"/> steps; null = nobody.</param>
internal sealed class GroupLoop(
    string stage, CausalLanguageModel policy, GroupOptions options, IGroupObjective objective, IProgress<StepReport>? progress = null)
{
    /// <summary>Runs all steps.</summary>
    /// <param name="work">What is answered, and who scores it.</param>
    /// <param name="reference">What the policy is held against where the options give that a price; null = the policy as it is.</param>
    /// <param name="cancel">Looked at before every step and for every token.</param>
    /// <exception cref="ArgumentException">There is no prompt, or one cannot be answered; its row is named. Nothing changed.</exception>
    /// <exception cref="RewardFunctionException">A reward threw or gave no finite number; weights as of the last good step.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; the weights are those of the last finished step.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient is no finite number; the weights are of the last good step.</exception>
    public void Run(GroupWork work, CausalLanguageModel? reference = null, CancellationToken cancel = default)
    {
        var limits = new RolloutLimits(
            options.PerDeviceTrainBatchSize, policy.Config.VocabularySize, policy.Config.ContextLength, policy.Layout);
        RolloutChecks.CheckPrompts(work.Prompts, work.HeldOut?.Prompts, limits);
        var plan = new GroupPlan(work.Prompts.Count, options);
        var run = new TrainingRun(stage, plan.TotalSteps, options, progress, cancel);
        var learning = new GroupPass(policy, options, objective) { Hidden = work.Hidden };
        using HeldModel? held = options.Beta == 0 ? null : HeldModel.Of(policy, reference, options.ReferenceModel, options.Sync);
        var ends = new ResponseEnds(policy, options.Generation);
        HeldOutAnswers? answers = work.HeldOut is { } heldOut
            ? new HeldOutAnswers(policy, heldOut, options.Answers(work.Stop), cancel)
            {
                Also = (drawn, figures) =>
                {
                    figures.NoteLengths(
                        [.. drawn.Select(row => row.OwnTokens)], [.. drawn.Select(row => ends.HasEnded(row.Query, row.Ids))],
                        always: false);
                    learning.Measure([.. drawn.Select(row => row.Text.Truncated(work.MaxLength))], held?.Network, figures);
                },
            } : null;
        run.HeldOut = answers?.Measured();
        using var collector = new GroupCollector(policy, options, objective, work, held);
        (long Number, GroupRollout Rollout)? latest = null;
        run.Learn(
            plan.Steps(), policy, options, dropout: !options.DisableDropout,
            (step, gradients) =>
            {
                List<(GroupRollout Rollout, int[] Rows)> passes = [];
                foreach ((long generation, int part) in plan.PassesOf(step.Number))
                {
                    if (latest?.Number != generation)
                        latest = (generation, collector.Collect(step.Number, run.Log, cancel));
                    GroupRollout rollout = latest.Value.Rollout;
                    passes.Add((rollout, rollout.Rows(part, options.PerDeviceTrainBatchSize)));
                }
                return learning.Accumulate(passes, gradients, run.Log);
            },
            updated: step =>
            {
                objective.EndStep();
                held?.Follow(policy, step.Number);
                answers?.NextStep = step.Number + 1;
            });
    }
}
