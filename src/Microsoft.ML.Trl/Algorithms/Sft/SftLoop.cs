using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Sft;

/// <summary>Supervised fine-tuning: learn the labelled tokens of each example.</summary>
/// <param name="model">Trained in place.</param>
/// <param name="options">Checked when the run begins.</param>
/// <param name="progress">Hears of every <see cref="TrainingOptions.LoggingSteps"/>-th step; null = nobody does.</param>
internal sealed class SftLoop(CausalLanguageModel model, SftOptions options, IProgress<StepReport>? progress = null)
{
    private const string Stage = "SFT";

    /// <summary>Trains.</summary>
    /// <param name="examples">Texts to learn.</param>
    /// <param name="cancel">Looked at before each step.</param>
    /// <exception cref="ArgumentException">An option is wrong, or there is nothing to learn, or an example is longer than the model's context.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; the model is as of the last finished step.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient stopped being finite; the model is as of the last good step.</exception>
    public void Run(IReadOnlyList<TokenExample> examples, CancellationToken cancel = default)
    {
        SftOptions checkedOptions = options.Validated();
        IReadOnlyList<TokenExample[]> rows = SftRows.Prepare(examples, checkedOptions);
        RequireContext(rows);
        var plan = new EpochPlan([.. rows.Select(row => row.Sum(example => example.Ids.Length))], checkedOptions);
        var log = new StepLog(Stage, plan.TotalSteps, checkedOptions, progress);
        using GradientStep step = GradientStep.For(model, checkedOptions, plan.TotalSteps);
        using var chance = new Generator((ulong)(uint)checkedOptions.Seed, model.Device);
        model.SetDropout(chance);
        model.train();
        try
        {
            foreach (StepPlan next in plan.Steps())
            {
                if (cancel.IsCancellationRequested)
                    throw new TrainingCanceledException(Stage, step.Number, plan.TotalSteps, cancel);
                TokenExample[][] parts = [.. next.MicroBatches.Select(batch => batch.SelectMany(index => rows[index]).ToArray())];
                double divisor = Math.Max(1, parts.Sum(part => part.Sum(Counted)));
                double rate = step.LearningRate;
                double loss = parts.Sum(part => Learn(part, divisor, step, log));
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

    /// <summary>Forward and backward pass of one micro batch.</summary>
    /// <returns>Its share of the step's loss.</returns>
    private double Learn(TokenExample[] part, double divisor, GradientStep step, StepLog log)
    {
        using DisposeScope scope = NewDisposeScope();
        using TokenBatch batch = TokenBatch.Of(part, model.Device);
        log.AddTokens(batch.Tokens);
        if (batch.Targets == 0)
            return 0;
        Tensor hidden = model.HiddenAt(batch.Ids, batch.TargetRows); // [N, H]
        HeadLossResult result = HeadLoss.Accumulate(hidden, model.HeadWeight, batch.Labels, SftLoss.Objective(options, divisor));
        step.Accumulate(hidden, result.Gradient);
        float[] sums = result.Sums.cpu().data<float>().ToArray();
        log.Add("entropy", sums[1] / batch.Targets);
        log.Add("mean_token_accuracy", sums[2] / batch.Targets);
        return sums[0];
    }

    /// <summary>Tokens of an example in the divisor of the loss.</summary>
    /// <remarks>
    /// The reference counts the very first token of a GPT-2 row as a label although nothing predicts it, and does not for the LLaMA family:
    /// it goes by the name of the model class. Kept, so that losses and clipped gradients are the same numbers.
    /// </remarks>
    private int Counted(TokenExample example)
    {
        bool rowsStandAlone = !options.Packing || options.PackingStrategy == PackingStrategy.Wrapped;
        return example.LearnedTokens(countFirst: rowsStandAlone && options.LabelSmoothingFactor == 0 && model.Config.LossCountsFirstToken);
    }

    private void RequireContext(IReadOnlyList<TokenExample[]> rows)
    {
        int longest = rows.Count == 0 ? 0 : rows.Max(row => row.Max(example => example.Ids.Length));
        if (longest > model.Config.ContextLength)
            throw new ArgumentException($"An example has {longest} tokens, the model reads {model.Config.ContextLength} at most. Set MaxLength to {model.Config.ContextLength} or less.", nameof(rows));
    }
}
