using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Reward;

/// <summary>Reward modelling: score the better completion of each pair higher.</summary>
/// <param name="model">Trained in place.</param>
/// <param name="options">Checked when the run begins.</param>
/// <param name="progress">Hears of every <see cref="TrainingOptions.LoggingSteps"/>-th step; null = nobody does.</param>
internal sealed class RewardLoop(RewardModel model, RewardOptions options, IProgress<StepReport>? progress = null)
{
    private const string Stage = "Reward";

    /// <summary>Trains.</summary>
    /// <param name="examples">Pairs; those longer than MaxLength are left out.</param>
    /// <param name="cancel">Looked at before each step.</param>
    /// <exception cref="ArgumentException">An option is wrong, there are no pairs, or one is longer than the model's context.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; the model is as of the last finished step.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient stopped being finite; the model is as of the last good step.</exception>
    public void Run(IReadOnlyList<PreferenceExample> examples, CancellationToken cancel = default)
    {
        RewardOptions checkedOptions = options.Validated();
        List<PreferenceExample> pairs = Fitting(examples);
        var plan = new EpochPlan([.. pairs.Select(Length)], checkedOptions);
        var log = new StepLog(Stage, plan.TotalSteps, checkedOptions, progress);
        using GradientStep step = GradientStep.For(model, checkedOptions, plan.TotalSteps);
        using var chance = new Generator((ulong)(uint)checkedOptions.Seed, model.Device);
        model.SetDropout(checkedOptions.DisableDropout ? null : chance);
        model.train();
        try
        {
            foreach (StepPlan next in plan.Steps())
            {
                if (cancel.IsCancellationRequested)
                    throw new TrainingCanceledException(Stage, step.Number, plan.TotalSteps, cancel);
                double rate = step.LearningRate;
                int all = next.MicroBatches.Sum(batch => batch.Length);
                double loss = next.MicroBatches.Sum(batch => Learn([.. batch.Select(index => pairs[index])], all, step, log));
                double norm = step.Step(loss);
                log.EndStep(next.Number, next.Epoch, loss, norm, rate);
            }
        }
        finally
        {
            model.eval();
            model.SetDropout(null);
        }
    }

    /// <summary>Forward and backward pass of one micro batch: chosen and rejected together.</summary>
    /// <returns>Its share of the step's loss.</returns>
    private double Learn(PreferenceExample[] pairs, int pairsOfStep, GradientStep step, StepLog log)
    {
        using DisposeScope scope = NewDisposeScope();
        int[][] rows = [.. pairs.Select(pair => pair.PromptAndChosen()), .. pairs.Select(pair => pair.PromptAndRejected())];
        using TokenBatch batch = TokenBatch.Create(rows, [.. rows.Select(row => row.Length)], model.Device);
        Tensor scores = model.Score(batch.Ids, batch.Lengths);                                           // [2B]
        Tensor chosen = scores.narrow(0, 0, pairs.Length), rejected = scores.narrow(0, pairs.Length, pairs.Length); // [B]
        Tensor loss = RewardLoss.PerPair(chosen, rejected, Margins(pairs, scores.device), options.CenterRewardsCoefficient).sum() / pairsOfStep;
        step.Accumulate(loss);
        log.AddTokens(batch.Tokens);
        Note(log, [.. scores.detach().to_type(ScalarType.Float32).cpu().data<float>()]);
        return loss.detach().to_type(ScalarType.Float32).cpu().data<float>()[0];
    }

    private static void Note(StepLog log, float[] scores)
    {
        int pairs = scores.Length / 2;
        log.Add("min_reward", scores.Min());
        log.Add("mean_reward", scores.Average());
        log.Add("max_reward", scores.Max());
        log.Add("accuracy", Enumerable.Range(0, pairs).Average(pair => scores[pair] > scores[pair + pairs] ? 1.0 : 0.0));
        log.Add("margin", Enumerable.Range(0, pairs).Average(pair => (double)scores[pair] - scores[pair + pairs]));
    }

    private static Tensor? Margins(PreferenceExample[] pairs, Device device) => pairs.Any(pair => pair.Margin is not null)
        ? tensor(Array.ConvertAll(pairs, pair => (float)(pair.Margin ?? 0)), device: device)
        : null;

    private static int Length(PreferenceExample pair) => pair.Prompt.Length + Math.Max(pair.Chosen.Length, pair.Rejected.Length);

    private List<PreferenceExample> Fitting(IReadOnlyList<PreferenceExample> examples)
    {
        List<PreferenceExample> fitting = [.. examples.Where(pair => options.MaxLength is not { } most || Length(pair) <= most)];
        if (examples.Count > 0 && fitting.Count == 0)
            throw new ArgumentException($"All {examples.Count} pairs are longer than MaxLength ({options.MaxLength} tokens); the shortest has {examples.Min(Length)}. Raise MaxLength or shorten the texts.", nameof(examples));
        int longest = fitting.Count == 0 ? 0 : fitting.Max(Length);
        if (longest > model.Config.ContextLength)
            throw new ArgumentException($"A pair has {longest} tokens, the model reads {model.Config.ContextLength} at most. Set MaxLength to {model.Config.ContextLength} or less.", nameof(examples));
        return fitting;
    }
}
