using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Distillation;

/// <summary>Generalized knowledge distillation: arXiv:2306.13649, Algorithm 1.</summary>
/// <param name="student">Trained in place.</param>
/// <param name="teacher">Only read.</param>
/// <param name="options">Checked when the run begins.</param>
/// <param name="progress">Told every <see cref="TrainingOptions.LoggingSteps"/> steps; null = nobody.</param>
internal sealed class GkdLoop(
    CausalLanguageModel student, CausalLanguageModel teacher, GkdOptions options, IProgress<StepReport>? progress = null)
{
    /// <summary>Tokens that end what a model writes; null = those of the model's configuration.</summary>
    public IReadOnlyList<int>? EndTokens { get; init; }

    /// <summary>Rows with completions that evaluations measure, whoever writes those of training; null = there are none.</summary>
    public IReadOnlyList<DistillationRow>? HeldOut { get; init; }

    /// <summary>Runs all steps.</summary>
    /// <param name="rows">At least one; with completions where the options learn those of the data.</param>
    /// <param name="cancel">Looked at before every step and for every token.</param>
    /// <inheritdoc cref="DistillationLoop.Run" path="/exception"/>
    public void Run(IReadOnlyList<DistillationRow> rows, CancellationToken cancel = default)
    {
        GkdOptions checkedOptions = options.Validated();
        var loop = new DistillationLoop(
            "GKD", student, teacher, checkedOptions, new GkdObjective(student, teacher, checkedOptions.Beta), progress)
        {
            HeldOut = HeldOut,
        };
        var texts = new GkdTexts(rows, Writer(student, cancel), options.SeqKd ? Writer(teacher, cancel) : null, options);
        loop.Run([.. rows.Select(row => row.Text.Ids.Length)], texts.Of, cancel);
    }

    private CompletionWriter Writer(CausalLanguageModel model, CancellationToken cancel)
    {
        int limit = Math.Min(
            options.MaxLength ?? int.MaxValue, Math.Min(student.Config.ContextLength, teacher.Config.ContextLength));
        GenerationOptions how = new()
        {
            MaxNewTokens = options.MaxNewTokens,
            Temperature = options.Temperature,
            EosTokenIds = EndTokens,
        };
        return new CompletionWriter(model, how, limit, options.Seed, cancel);
    }
}

/// <summary>Chooses for every step who writes the completions.</summary>
/// <param name="rows">Of the data.</param>
/// <param name="student">Writes in a share λ of the steps.</param>
/// <param name="teacher">Writes in all others; null = they learn the completions of the data.</param>
/// <param name="options">λ and the seed.</param>
internal sealed class GkdTexts(
    IReadOnlyList<DistillationRow> rows, CompletionWriter student, CompletionWriter? teacher, GkdOptions options)
{
    private readonly Random _choice = new(~options.Seed); // another stream than that of the order of the rows

    /// <summary>What a step learns from.</summary>
    /// <param name="step">Indices of rows.</param>
    /// <param name="log">Notes <c>on_policy</c>, 1 where the student has written.</param>
    public IReadOnlyList<TokenExample[]> Of(StepPlan step, StepLog log)
    {
        bool isOnPolicy = _choice.NextDouble() < options.Lmbda;
        log.Note("on_policy", isOnPolicy ? 1 : 0);
        CompletionWriter? writer = isOnPolicy ? student : teacher;
        return writer is null
            ? [.. step.MicroBatches.Select(batch => Array.ConvertAll(batch, row => rows[row].Text))]
            : writer.Write([.. step.MicroBatches.Select(batch => Array.ConvertAll(batch, row => rows[row].Prompt))], log);
    }
}

/// <summary>The mean divergence of a position.</summary>
/// <param name="student">Its vocabulary projection is used.</param>
/// <param name="teacher">Its vocabulary projection is used.</param>
/// <param name="beta">See <see cref="GkdOptions.Beta"/>.</param>
internal sealed class GkdObjective(CausalLanguageModel student, CausalLanguageModel teacher, double beta) : IDistillationObjective
{
    public Tensor Loss(TokenBatch batch, Tensor ours, Tensor theirs, double divisor, IFigures figures) =>
        DistillationLoss.Mean(GeneralizedJsd.OfHidden(ours, student.Head, theirs, teacher.Head, beta), divisor);
}
