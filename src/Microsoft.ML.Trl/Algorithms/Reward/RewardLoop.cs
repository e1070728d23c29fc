using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Reward;

/// <summary>Reward modelling: score the better completion of each pair higher.</summary>
/// <param name="model">Trained in place.</param>
/// <param name="options">Checked when the run begins.</param>
/// <param name="progress">Hears of every <see cref="TrainingOptions.LoggingSteps"/>-th step; null = nobody does.</param>
internal sealed class RewardLoop(RewardModel model, RewardOptions options, IProgress<StepReport>? progress = null)
{
    /// <summary>Pairs that evaluations measure; null = there are none.</summary>
    public IReadOnlyList<PreferenceExample>? HeldOut { get; init; }

    /// <summary>Trains.</summary>
    /// <param name="examples">Pairs; those longer than MaxLength are left out.</param>
    /// <param name="cancel">Looked at before each step.</param>
    /// <exception cref="ArgumentException">An option is wrong, there are no pairs, or one is longer than the model's context.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; the model is as of the last finished step.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient is no finite number; the model is as of the last good step.</exception>
    public void Run(IReadOnlyList<PreferenceExample> examples, CancellationToken cancel = default)
    {
        options.Validated();
        List<PreferenceExample> pairs = Fitting(examples);
        var plan = new EpochPlan([.. pairs.Select(pair => pair.Length)], options);
        var run = new TrainingRun("Reward", plan, options, progress, cancel) { HeldOut = Measured(HeldOut) };
        run.Learn(plan.Steps(), model, options, dropout: !options.DisableDropout, (step, gradients) =>
            step.MicroBatches.Sum(batch => Accumulate([.. batch.Select(index => pairs[index])], step.Examples, gradients, run.Log)));
    }

    /// <summary>Mean loss and figures over other pairs.</summary>
    private HeldOutSet? Measured(IReadOnlyList<PreferenceExample>? examples)
    {
        if (examples is null)
            return null;
        List<PreferenceExample> pairs = [];
        EvaluationRows.Check(() => pairs = Fitting(examples));
        return new HeldOutSet(pairs.Count, (numbers, figures) => figures.Note(
            "loss", Accumulate([.. numbers.Select(number => pairs[number])], numbers.Length, null, figures), numbers.Length));
    }

    /// <summary>Forward pass of one micro batch, chosen and rejected together, and where it is learnt from the backward pass.</summary>
    /// <returns>Its share of the step's loss.</returns>
    private double Accumulate(PreferenceExample[] pairs, int pairsOfStep, GradientStep? gradients, IFigures log)
    {
        using DisposeScope scope = NewDisposeScope();
        int[][] rows = [.. pairs.Select(pair => pair.PromptAndChosen()), .. pairs.Select(pair => pair.PromptAndRejected())];
        using TokenBatch batch = TokenBatch.Create(rows, [.. rows.Select(row => row.Length)], model.Device);
        Tensor scores = model.Score(batch.Ids, batch.Lengths).to_type(ScalarType.Float32); // [2B]
        Tensor chosen = scores.narrow(0, 0, pairs.Length);                                 // [B]
        Tensor rejected = scores.narrow(0, pairs.Length, pairs.Length);                    // [B]
        Tensor perPair = RewardLoss.PerPair(chosen, rejected, Margins(pairs, scores.device), options.CenterRewardsCoefficient);
        Tensor loss = perPair.sum() / pairsOfStep;
        gradients?.Accumulate(loss);
        log.CountTokens(batch.Tokens);
        float[] numbers = cat([scores.detach(), loss.detach().view(1)]).cpu().data<float>().ToArray();
        Note(log, numbers[..^1]);
        return numbers[^1];
    }

    private static void Note(IFigures log, float[] scores)
    {
        int pairs = scores.Length / 2;
        log.Note("min_reward", scores.Min(), pairs, Pooling.Least);
        log.Note("mean_reward", scores.Average(), pairs);
        log.Note("max_reward", scores.Max(), pairs, Pooling.Largest);
        log.Note("accuracy", Enumerable.Range(0, pairs).Average(pair => scores[pair] > scores[pair + pairs] ? 1.0 : 0.0), pairs);
        log.Note("margin", Enumerable.Range(0, pairs).Average(pair => (double)scores[pair] - scores[pair + pairs]), pairs);
    }

    private static Tensor? Margins(PreferenceExample[] pairs, Device device) => pairs.Any(pair => pair.Margin is not null)
        ? tensor(Array.ConvertAll(pairs, pair => (float)(pair.Margin ?? 0)), device: device)
        : null;

    private List<PreferenceExample> Fitting(IReadOnlyList<PreferenceExample> examples)
    {
        int context = model.Config.ContextLength;
        List<PreferenceExample> fitting = [.. examples.Where(pair => options.MaxLength is not { } most || pair.Length <= most)];
        if (examples.Count > 0 && fitting.Count == 0)
            throw new ArgumentException(
                $"All {examples.Count} pairs are longer than MaxLength ({options.MaxLength} tokens); "
                + $"the shortest has {examples.Min(pair => pair.Length)}. Raise MaxLength or shorten the texts.",
                nameof(examples));
        int longest = fitting.Count == 0 ? 0 : fitting.Max(pair => pair.Length);
        if (longest > context)
            throw new ArgumentException(
                $"A pair has {longest} tokens, the model reads {context} at most. Set MaxLength to {context} or less.", nameof(examples));
        return fitting;
    }
}
