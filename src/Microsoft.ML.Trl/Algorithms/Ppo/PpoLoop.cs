namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>PPO over a list of prompts: respond, score, learn, report.</summary>
/// <param name="session">Holds what is trained. The caller disposes it.</param>
/// <param name="scorer">Says how good responses are.</param>
/// <param name="options">Those of the session.</param>
/// <param name="progress">Told every <see cref="TrainingOptions.LoggingSteps"/> steps; null = nobody.</param>
/// <param name="warn">Told what a human should look at; null = nobody.</param>
/// <param name="stop">
/// Tells from a response's new tokens whether it has ended, for the stop strings of
/// <see cref="PpoOptions.Generation"/>; null = only end tokens do.
/// </param>
internal sealed class PpoLoop(
    PpoSession session,
    IRolloutScorer scorer,
    PpoOptions options,
    IProgress<StepReport>? progress = null,
    Action<string>? warn = null,
    Func<IReadOnlyList<int>, bool>? stop = null)
{
    /// <summary>Prompts that evaluations answer, and who scores their answers; null = there are none.</summary>
    public ScoredPrompts? HeldOut { get; init; }

    /// <summary>Runs all steps.</summary>
    /// <param name="prompts">Token ids, at least one prompt; used again when all were answered.</param>
    /// <param name="cancel">Looked at before every step and for every token.</param>
    /// <exception cref="ArgumentException">There is no prompt, or one cannot be answered; its row is named. Nothing changed.</exception>
    /// <exception cref="RewardFunctionException">The scorer threw or gave no finite number; weights as of the last good step.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; the weights are those of the last finished step.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient stopped being a number.</exception>
    public void Run(IReadOnlyList<int[]> prompts, CancellationToken cancel = default)
    {
        session.CheckPrompts(prompts, HeldOut?.Prompts);
        var stream = new PromptStream(prompts.Count, options.Seed);
        var run = new TrainingRun("PPO", options.TotalSteps, options, progress, cancel);
        var plan = new AnswerPlan(options.Generation, options.Seed, options.NumCompletionsToPrint) { Stop = stop };
        HeldOutAnswers? answers = HeldOut is null ? null : new HeldOutAnswers(session.Policy, HeldOut, plan, cancel);
        run.HeldOut = answers?.Measured();
        run.Run(stream.Steps(options.TotalSteps, options.BatchSize), step =>
        {
            int[] chosen = step.MicroBatches[0];
            int[][] queries = Array.ConvertAll(chosen, prompt => prompts[prompt]);
            IReadOnlyList<int[]> responses = session.Generate(queries, stop: stop, cancel: cancel);
            var rollout = new RolloutTexts(step.Number, chosen, queries, responses);
            RewardTable rewards = RewardScorer.Ask(scorer, rollout, cancel);
            IReadOnlyList<double> scores = rewards.Complete("PPO", step.Number);
            run.Log.NoteCompletions(scorer.Samples(rollout, rewards, rewards.Columns[0], options.NumCompletionsToPrint));
            foreach ((string name, double value) in rewards.Log.Metrics())
                run.Log.Note(name, value);
            Record(session.Step(queries, responses, scores), step.Number, run);
            run.Log.CountTokens(queries.Sum(query => query.Length) + responses.Sum(response => response.Length));
            answers?.NextStep = step.Number + 1;
        }, new TrainedModel(session.Weights, read => read())); // between steps all are in evaluation mode
    }

    private void Record(PpoStatistics statistics, int step, TrainingRun run)
    {
        foreach (string warning in statistics.Warnings)
            warn?.Invoke($"Step {step}: {warning}");
        foreach ((string name, double value) in statistics.Scalars)
            run.Log.Note(name, value);
        PpoUpdate updates = session.Updates;
        run.Log.NoteUpdate(statistics["ppo/loss/total"], updates.GradientNorm, statistics["ppo/learning_rate"], updates.Scaler);
    }
}
