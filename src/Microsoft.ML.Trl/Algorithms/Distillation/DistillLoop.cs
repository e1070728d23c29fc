using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Distillation;

/// <summary>Distillation on the completions of the data: arXiv:1503.02531.</summary>
/// <param name="student">Trained in place.</param>
/// <param name="teacher">Only read.</param>
/// <param name="options">Checked when the run begins.</param>
/// <param name="progress">Told every <see cref="TrainingOptions.LoggingSteps"/> steps; null = nobody.</param>
internal sealed class DistillLoop(
    CausalLanguageModel student, CausalLanguageModel teacher, DistillOptions options, IProgress<StepReport>? progress = null)
{
    /// <summary>Rows that evaluations measure; null = there are none.</summary>
    public IReadOnlyList<DistillationRow>? HeldOut { get; init; }

    /// <summary>Runs all steps.</summary>
    /// <param name="rows">At least one.</param>
    /// <param name="cancel">Looked at before every step.</param>
    /// <inheritdoc cref="DistillationLoop.Run" path="/exception"/>
    public void Run(IReadOnlyList<DistillationRow> rows, CancellationToken cancel = default)
    {
        DistillOptions checkedOptions = options.Validated();
        IDistillationObjective objective = checkedOptions.Alpha == 0
            ? new SoftObjective(student, teacher, checkedOptions)
            : new HintonObjective(student, teacher, checkedOptions);
        var loop = new DistillationLoop("Distill", student, teacher, checkedOptions, objective, progress)
        {
            HeldOut = HeldOut,
        };
        loop.Run(
            [.. rows.Select(row => row.Text.Ids.Length)],
            (step, _) => [.. step.MicroBatches.Select(batch => Array.ConvertAll(batch, row => rows[row].Text))],
            cancel);
    }
}

/// <summary>τ² times the mean divergence of a position.</summary>
/// <param name="student">Its vocabulary projection is used.</param>
/// <param name="teacher">Its vocabulary projection is used.</param>
/// <param name="options">β and τ.</param>
internal sealed class SoftObjective(CausalLanguageModel student, CausalLanguageModel teacher, DistillOptions options)
    : IDistillationObjective
{
    public Tensor Loss(TokenBatch batch, Tensor ours, Tensor theirs, double divisor, IFigures figures) =>
        DistillationLoss.Mean(Divergences(ours, theirs), divisor) * (options.Temperature * options.Temperature);

    /// <summary>[N], with gradient. Belongs to the current scope.</summary>
    public Tensor Divergences(Tensor ours, Tensor theirs) => GeneralizedJsd.OfHidden(
        ours, student.Head with { Temperature = options.Temperature },
        theirs, teacher.Head with { Temperature = options.Temperature }, options.Beta);
}

/// <summary>The same with the cross-entropy of the labels.</summary>
/// <param name="student">Its vocabulary projection is used.</param>
/// <param name="teacher">Its vocabulary projection is used.</param>
/// <param name="options">α, β and τ.</param>
internal sealed class HintonObjective(CausalLanguageModel student, CausalLanguageModel teacher, DistillOptions options)
    : IDistillationObjective
{
    private readonly SoftObjective _soft = new(student, teacher, options);

    public Tensor Loss(TokenBatch batch, Tensor ours, Tensor theirs, double divisor, IFigures figures)
    {
        TokenLogProbs labels = LogProbs.WithStatistics(ours, student.Head, batch.Labels);
        Tensor divergences = _soft.Divergences(ours, theirs);
        Tensor means = stack(
            [labels.LogProbs.detach().mean(), divergences.detach().mean(), labels.Entropy.mean(), labels.Hit.mean()]);
        float[] numbers = means.cpu().data<float>().ToArray();
        figures.Note("ce_loss", -numbers[0], batch.Targets);
        figures.Note("kd_loss", numbers[1], batch.Targets);
        figures.Note("entropy", numbers[2], batch.Targets);
        figures.Note("mean_token_accuracy", numbers[3], batch.Targets);
        return DistillationLoss.Hinton(labels.LogProbs, divergences, options.Alpha, options.Temperature, divisor);
    }
}
