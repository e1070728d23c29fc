using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.PpoExperimental;

/// <summary>PPO with a value model of its own, from prompts to trained weights: respond, score, learn, report.</summary>
/// <param name="policy">Trained in place.</param>
/// <param name="value">Trained in place: what scores whole texts at the start says before each token how they will turn out.</param>
/// <param name="options">Validated.</param>
/// <param name="progress">Told every <see cref="TrainingOptions.LoggingSteps"/> steps; null = nobody.</param>
/// <param name="replay">Fixes what a recorded run decides otherwise; null = nothing.</param>
internal sealed class EpisodeLoop(
    CausalLanguageModel policy, RewardModel value, ExperimentalPpoOptions options, IProgress<StepReport>? progress = null,
    EpisodeReplay? replay = null)
{
    /// <summary>Who trains, for messages and reports.</summary>
    public const string Name = "Experimental PPO";

    private readonly EpisodeReplay _replay = replay ?? EpisodeReplay.Of(options);

    /// <summary>Runs all steps.</summary>
    /// <param name="work">What is answered, and who scores it.</param>
    /// <param name="reference">What the policy is held against; null = the policy as it is.</param>
    /// <param name="cancel">Looked at before every step and for every token.</param>
    /// <exception cref="ArgumentException">There is no prompt, or one cannot be answered; its row is named. Nothing changed.</exception>
    /// <exception cref="NotSupportedException">The policy has an encoder.</exception>
    /// <exception cref="RewardFunctionException">The scorer threw or gave no finite number; weights as of the last good step.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; the weights are those of the last finished step.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient is no finite number; the weights are of the last good step.</exception>
    public void Run(EpisodeWork work, CausalLanguageModel? reference = null, CancellationToken cancel = default)
    {
        Check(work);
        int steps = options.TotalSteps(work.Prompts.Count);
        var run = new TrainingRun(Name, steps, options, progress, cancel);
        HeldOutAnswers? answers = Answers(work, cancel);
        run.HeldOut = answers?.Measured();
        using HeldModel held = HeldModel.Of(policy, reference, options.ReferenceModel, null);
        using var models = new PolicyAndValue(policy, value, options, _replay.HiddenStates);
        using var collector = new EpisodeCollector(models, held.Network, options, work, _replay);
        using var learner = new EpisodeLearner(models, options, steps, _replay);
        LearningRateSchedule schedule = LearningRateSchedule.Of(options, steps);
        var stream = new PromptStream(
            work.Prompts.Count, options.DataSeed ?? options.Seed, options.TrainSamplingStrategy != TrainSamplingStrategy.Sequential);
        var clock = Stopwatch.StartNew();
        run.Run(stream.Steps(steps, options.BatchSize), step =>
        {
            using DisposeScope scope = NewDisposeScope();
            int samples = options.ShowsSamples(step.Number, steps) ? options.NumCompletionsToPrint : 0;
            Episodes episodes = collector.Collect(step.Number, step.MicroBatches[0], samples, run.Log, cancel);
            double rate = schedule.At(step.Number - 1);
            IReadOnlyList<EpisodeSums> updates = learner.Run(episodes, step.Number, rate);
            double loss = updates.Average(update => update.PolicyLoss + (options.VfCoef * update.ValueLoss));
            run.Log.NoteAll(EpisodeSums.Figures(updates));
            run.Log.NoteUpdate(loss, learner.GradientNorm, rate, learner.Scaler);
            run.Log.NoteLatest("lr", rate);
            double episode = (double)step.Number * options.BatchSize;
            run.Log.NoteLatest("episode", episode);
            run.Log.NoteLatest("eps", episode / clock.Elapsed.TotalSeconds);
            answers?.NextStep = step.Number + 1;
        }, new TrainedModel(models.Everything, read => read())); // both are in evaluation mode
    }

    private HeldOutAnswers? Answers(EpisodeWork work, CancellationToken cancel) => work.HeldOut is not { } heldOut ? null
        : new HeldOutAnswers(
            policy, heldOut, new AnswerPlan(options.Generation, options.Seed, options.NumCompletionsToPrint) { Stop = work.Stop }, cancel);

    private void Check(EpisodeWork work)
    {
        IReadOnlyList<int[]> prompts = work.Prompts;
        if (policy.Config.IsEncoderDecoder)
            throw new NotSupportedException(
                $"{Name} is not supported for a {policy.Config.ModelType} model, whose encoder reads prompts, which a value model "
                + "reads with the response; use Ppo, whose critic is a head on the policy.");
        ModelConfig config = policy.Config;
        var limits = new RolloutLimits(options.BatchSize, config.VocabularySize, config.ContextLength, policy.Layout);
        RolloutChecks.CheckPrompts(prompts, work.HeldOut?.Prompts, limits);
        if (value.Config.VocabularySize < policy.Config.VocabularySize)
            throw new ArgumentException(
                $"The value model has a vocabulary of {value.Config.VocabularySize} tokens, the policy one of "
                + $"{policy.Config.VocabularySize}; it must read all tokens of the policy. Give another valueModel.");
        long most = prompts.Max(prompt => (long)prompt.Length) + options.Generation.MaxNewTokens;
        long longest = Math.Min(policy.Config.ContextLength, most);
        if (longest > value.Config.ContextLength)
            throw new ArgumentException(
                $"Prompt and response can be {longest} tokens long, but the value model reads {value.Config.ContextLength} at most; lower "
                + "MaxNewTokens of Generation, shorten the prompts, or give another valueModel.");
    }
}
