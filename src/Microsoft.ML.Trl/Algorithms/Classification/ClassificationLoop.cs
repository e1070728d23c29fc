using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Microsoft.ML.Trl.Algorithms.Classification;

/// <summary>A text to learn from.</summary>
/// <param name="Ids">Its tokens.</param>
/// <param name="Label">Number of its label.</param>
/// <param name="Value">The number to learn, of a model with one label.</param>
internal sealed record ClassificationExample(int[] Ids, int Label, double Value);

/// <summary>Text classification: cross entropy of the labels, or the squared error of a model of one number, as in transformers.</summary>
/// <param name="model">Trained in place.</param>
/// <param name="options">Checked when the run begins.</param>
/// <param name="learnsNumbers">Whether values are learnt rather than labels.</param>
/// <param name="progress">Hears of every <see cref="TrainingOptions.LoggingSteps"/>-th step; null = nobody does.</param>
internal sealed class ClassificationLoop(
    SequenceClassifier model, TextClassificationOptions options, bool learnsNumbers, IProgress<StepReport>? progress = null)
{
    /// <summary>Texts that evaluations measure; null = there are none.</summary>
    public IReadOnlyList<ClassificationExample>? HeldOut { get; init; }

    /// <summary>Trains.</summary>
    /// <param name="examples">At least one, each within the model's context.</param>
    /// <param name="cancel">Looked at before each step.</param>
    /// <exception cref="TrainingCanceledException">Cancelled; the model is as of the last finished step.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient is no finite number; the model is as of the last good step.</exception>
    public void Run(IReadOnlyList<ClassificationExample> examples, CancellationToken cancel = default)
    {
        options.Validated();
        var plan = new EpochPlan([.. examples.Select(example => example.Ids.Length)], options);
        var run = new TrainingRun("Classification", plan, options, progress, cancel)
        {
            HeldOut = HeldOut is null ? null : new HeldOutSet(HeldOut.Count, (numbers, figures) => figures.Note(
                "loss", Accumulate([.. numbers.Select(number => HeldOut[number])], numbers.Length, null, figures), numbers.Length)),
        };
        run.Learn(plan.Steps(), model, options, dropout: true, (step, gradients) =>
            step.MicroBatches.Sum(batch => Accumulate([.. batch.Select(index => examples[index])], step.Examples, gradients, run.Log)));
    }

    /// <summary>Forward pass of one micro batch, and where it is learnt from the backward pass.</summary>
    /// <returns>Its share of the step's loss.</returns>
    private double Accumulate(ClassificationExample[] rows, int rowsOfStep, GradientStep? gradients, IFigures log)
    {
        using DisposeScope scope = NewDisposeScope();
        using TokenBatch batch = TokenBatch.Create(
            [.. rows.Select(row => row.Ids)], [.. rows.Select(row => row.Ids.Length)], model.Device);
        Tensor scores = model.Logits(batch.Ids, batch.Lengths).to_type(ScalarType.Float32); // [B, labels]
        Tensor loss = Loss(scores, rows) / rowsOfStep;
        gradients?.Accumulate(loss);
        log.CountTokens(batch.Tokens);
        if (!learnsNumbers)
        {
            long[] likeliest = scores.argmax(-1).cpu().data<long>().ToArray();
            log.Note("accuracy", likeliest.Zip(rows).Average(pair => pair.First == pair.Second.Label ? 1.0 : 0.0), rows.Length);
        }
        return loss.item<float>();
    }

    private Tensor Loss(Tensor scores, ClassificationExample[] rows) => learnsNumbers
        ? mse_loss(scores.squeeze(-1), tensor(Array.ConvertAll(rows, row => (float)row.Value), device: scores.device), nn.Reduction.Sum)
        : cross_entropy(
            scores, tensor(Array.ConvertAll(rows, row => (long)row.Label), device: scores.device), reduction: nn.Reduction.Sum,
            label_smoothing: options.LabelSmoothingFactor);
}
