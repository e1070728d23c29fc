using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Microsoft.ML.Trl.Algorithms.Prm;

/// <summary>
/// Process reward modelling: learns of each step whether it is right, by the cross entropy where its separator ends. arXiv:2211.14275,
/// section 2.3.
/// </summary>
/// <param name="model">Has two labels; trained in place.</param>
/// <param name="options">Validated.</param>
/// <param name="progress">Hears of every <see cref="TrainingOptions.LoggingSteps"/>-th step; null = nobody does.</param>
internal sealed class PrmLoop(SequenceClassifier model, PrmOptions options, IProgress<StepReport>? progress = null)
{
    private const long Ignored = -100;

    /// <summary>Examples that evaluations measure; null = there are none.</summary>
    public IReadOnlyList<StepExample>? HeldOut { get; init; }

    /// <summary>Trains.</summary>
    /// <param name="examples">At least one, each within the model's context.</param>
    /// <param name="cancel">Looked at before each step.</param>
    /// <exception cref="TrainingCanceledException">Cancelled; the model is as of the last finished step.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient is no finite number; the model is as of the last good step.</exception>
    public void Run(IReadOnlyList<StepExample> examples, CancellationToken cancel = default)
    {
        var plan = new EpochPlan([.. examples.Select(example => example.Tokens.Ids.Length)], options);
        var run = new TrainingRun("PRM", plan, options, progress, cancel) { HeldOut = Measured(HeldOut) };
        run.Learn(plan.Steps(), model, options, dropout: !options.DisableDropout, (step, gradients) =>
        {
            double divisor = step.MicroBatches.Sum(batch => batch.Sum(row => LearntSteps(examples[row])));
            return step.MicroBatches.Sum(batch => Accumulate([.. batch.Select(row => examples[row])], divisor, gradients, run.Log));
        });
    }

    private static int LearntSteps(StepExample example) => example.Labels.Count(label => label >= 0);

    /// <summary>Mean loss and accuracy over the labelled steps of other examples.</summary>
    private HeldOutSet? Measured(IReadOnlyList<StepExample>? examples) => examples is null ? null
        : new HeldOutSet(examples.Count, (numbers, figures) =>
        {
            StepExample[] rows = [.. numbers.Select(number => examples[number])];
            int steps = rows.Sum(LearntSteps);
            figures.Note("loss", Accumulate(rows, Math.Max(1, steps), null, figures), steps);
        });

    /// <summary>Forward pass of one micro batch, and where it is learnt from the backward pass.</summary>
    /// <returns>Its share of the step's loss.</returns>
    private double Accumulate(StepExample[] rows, double divisor, GradientStep? gradients, IFigures log)
    {
        using DisposeScope scope = NewDisposeScope();
        using TokenBatch batch = TokenBatch.Create(
            [.. rows.Select(row => row.Tokens.Ids)], [.. rows.Select(row => row.Tokens.Ids.Length)], model.Device);
        long[] labels = [.. rows.SelectMany(row => row.Labels).Select(label => (long)label)];
        Tensor scores = StepScorer.Logits(model, batch, [.. rows.Select(row => row.Tokens.Ends)]); // [steps, 2]
        Tensor loss = cross_entropy(
            scores, tensor(labels, device: scores.device), ignore_index: Ignored, reduction: nn.Reduction.Sum) / divisor;
        gradients?.Accumulate(loss);
        log.CountTokens(batch.Tokens);
        long[] likeliest = scores.argmax(-1).cpu().data<long>().ToArray();
        bool[] hits = [.. labels.Zip(likeliest).Where(step => step.First != Ignored).Select(step => step.First == step.Second)];
        if (hits.Length > 0)
            log.Note("accuracy", hits.Average(hit => hit ? 1.0 : 0), hits.Length);
        return loss.item<float>();
    }
}
