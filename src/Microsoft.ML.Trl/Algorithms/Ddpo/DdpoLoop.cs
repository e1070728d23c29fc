namespace Microsoft.ML.Trl.Algorithms.Ddpo;

/// <summary>The epochs of DDPO: draw, score, learn.</summary>
/// <param name="model">Trained in place.</param>
/// <param name="reward">Scores images.</param>
/// <param name="options">Checked when the run begins.</param>
/// <param name="progress">Hears of every <see cref="DdpoOptions.LoggingSteps"/>-th epoch; null = nobody does.</param>
internal sealed class DdpoLoop(DiffusionModel model, ImageReward reward, DdpoOptions options, IProgress<StepReport>? progress = null)
{
    private static readonly string[] Figures = ["approx_kl", "clipfrac", "reward_mean", "reward_std"];

    /// <summary>Prompts that evaluations draw, each with noise of its own, the same every time; null = there are none.</summary>
    public IReadOnlyList<string>? HeldOut { get; init; }

    /// <summary>Trains.</summary>
    /// <param name="prompts">At least one, of words that the model knows; each pass over them is shuffled anew.</param>
    /// <param name="cancel">Looked at before each epoch, and before each step of sampling.</param>
    /// <exception cref="TrainingCanceledException">Cancelled; the model is as of the last finished epoch.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient is not finite; the model is as of the last good update.</exception>
    /// <exception cref="RewardFunctionException">The reward failed; the model is as of the last finished epoch.</exception>
    public void Run(IReadOnlyList<string> prompts, CancellationToken cancel = default)
    {
        using var session = new DdpoSession(model, options);
        var stream = new PromptStream(prompts.Count, options.Seed);
        int next = 1;
        var run = new TrainingRun(DdpoTrainer.Stage, options.NumEpochs, options.Training, progress, cancel)
        {
            HeldOut = HeldOut is null ? null : new HeldOutSet(HeldOut.Count, (numbers, figures) =>
            {
                IReadOnlyList<double> rewards = Rewards(HeldOut, numbers, next, cancel);
                figures.Note("reward_mean", rewards.Average(), rewards.Count);
            }),
        };
        IEnumerable<StepPlan> epochs = stream.Steps(options.NumEpochs, options.SamplesPerEpoch);
        run.Run(epochs.Select(epoch => epoch with { Epoch = epoch.Number }), epoch =>
        {
            string[] drawn = [.. epoch.MicroBatches[0].Select(index => prompts[index])];
            using ImageRollout rollout = session.Sample(drawn, cancel);
            StepReport report = session.Step(rollout, reward.Score(rollout.Images, drawn, epoch.Number));
            foreach (string name in Figures)
                run.Log.Note(name, report[name]);
            run.Log.NoteUpdate(report["loss"], report["grad_norm"], report["learning_rate"]);
            next = epoch.Number + 1;
        }, new TrainedModel(model.Weights().Select(weight => weight.Value), read => read()));
    }

    private IReadOnlyList<double> Rewards(IReadOnlyList<string> prompts, int[] numbers, int epoch, CancellationToken cancel)
    {
        string[] drawn = Array.ConvertAll(numbers, number => prompts[number]);
        long[] seeds = Array.ConvertAll(numbers, number => PromptSeed.OfSample(options.Seed, number));
        return reward.Score(model.Draw(drawn, seeds, options.Generation, cancel), drawn, epoch);
    }
}
