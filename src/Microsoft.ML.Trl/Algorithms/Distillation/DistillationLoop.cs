using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Distillation;

/// <summary>What a method minimises.</summary>
internal interface IDistillationObjective
{
    /// <summary>The loss of a micro batch.</summary>
    /// <param name="batch">Its labels are those of the positions [N].</param>
    /// <param name="student">[N, H] hidden states, with gradient.</param>
    /// <param name="teacher">[N, H'] hidden states.</param>
    /// <param name="divisor">Labels of the whole step.</param>
    /// <param name="figures">Told the figures.</param>
    /// <returns>A scalar, the batch's share of the step's loss. Belongs to the current scope.</returns>
    Tensor Loss(TokenBatch batch, Tensor student, Tensor teacher, double divisor, IFigures figures);
}

/// <summary>Gives the texts that a step learns from: [micro batches][rows].</summary>
internal delegate IReadOnlyList<TokenExample[]> TextsOfStep(StepPlan step, StepLog log);

/// <summary>Learns a student from a teacher's distributions over the same positions.</summary>
/// <param name="stage">Who trains, for messages and reports.</param>
/// <param name="student">Trained in place.</param>
/// <param name="teacher">Only read.</param>
/// <param name="options">Validated.</param>
/// <param name="objective">Of the method.</param>
/// <param name="progress">Told every <see cref="TrainingOptions.LoggingSteps"/> steps; null = nobody.</param>
internal sealed class DistillationLoop(
    string stage, CausalLanguageModel student, CausalLanguageModel teacher, DistillationOptions options,
    IDistillationObjective objective, IProgress<StepReport>? progress = null)
{
    /// <summary>Rows that evaluations measure; null = there are none.</summary>
    public IReadOnlyList<DistillationRow>? HeldOut { get; init; }

    /// <summary>Runs all steps.</summary>
    /// <param name="lengths">Length of each example that the plan orders, in tokens.</param>
    /// <param name="texts">What the steps learn from.</param>
    /// <param name="cancel">Looked at before every step.</param>
    /// <exception cref="ArgumentException">The two models cannot be compared, or options do not fit the student.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; the weights are those of the last finished step.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient is no finite number; the weights are of the last good step.</exception>
    public void Run(IReadOnlyList<int> lengths, TextsOfStep texts, CancellationToken cancel)
    {
        Teacher.Check(teacher, student);
        var plan = new EpochPlan(lengths, options);
        var run = new TrainingRun(stage, plan, options, progress, cancel) { HeldOut = Measured(HeldOut) };
        run.Learn(plan.Steps(), student, options, dropout: !options.DisableDropout, (step, gradients) =>
        {
            IReadOnlyList<TokenExample[]> batches = texts(step, run.Log);
            double divisor = Math.Max(1, batches.Sum(batch => batch.Sum(text => text.LearnedTokens())));
            return batches.Sum(rows =>
            {
                using TokenBatch batch = student.BatchOf(rows, options.ReadsPaddingFree);
                return Accumulate(batch, divisor, gradients, run.Log);
            });
        });
    }

    /// <summary>Mean loss and figures over the labelled tokens of other rows.</summary>
    private HeldOutSet? Measured(IReadOnlyList<DistillationRow>? rows) => rows is null ? null : new(rows.Count, (numbers, figures) =>
    {
        using TokenBatch batch = student.BatchOf([.. numbers.Select(number => rows[number].Text)], options.ReadsPaddingFree);
        figures.Note("loss", Accumulate(batch, Math.Max(1, batch.Targets), null, figures), batch.Targets);
    });

    /// <summary>Forward pass of one micro batch, and where it is learnt the backward pass.</summary>
    /// <returns>Its share of the step's loss.</returns>
    private double Accumulate(TokenBatch batch, double divisor, GradientStep? gradients, IFigures figures)
    {
        figures.CountTokens(batch.Tokens);
        if (batch.Targets == 0)
            return 0;
        using DisposeScope scope = NewDisposeScope();
        Tensor theirs = Teacher.Hidden(teacher, batch); // first: its intermediate results are gone when those of the student come
        Tensor loss = objective.Loss(batch, student.HiddenAt(batch), theirs, divisor, figures);
        gradients?.Accumulate(loss);
        return loss.item<float>();
    }
}
