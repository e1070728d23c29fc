namespace Microsoft.ML.Trl.Algorithms.Sft;

/// <summary>Supervised fine-tuning: learn the labelled tokens of each example.</summary>
/// <param name="model">Trained in place.</param>
/// <param name="options">Checked when the run begins.</param>
/// <param name="progress">Hears of every <see cref="TrainingOptions.LoggingSteps"/>-th step; null = nobody does.</param>
internal sealed class SftLoop(CausalLanguageModel model, SftOptions options, IProgress<StepReport>? progress = null)
{
    private readonly SftPass _pass = new(
        model, options.LossType == SftLossType.Dft ? SftLoss.Dft : SftLoss.Nll, options.RouterAuxLossCoef, options.LabelSmoothingFactor);

    /// <summary>Texts that evaluations measure; null = there are none.</summary>
    public IReadOnlyList<TokenExample>? HeldOut { get; init; }

    /// <summary>Trains.</summary>
    /// <param name="examples">Texts to learn.</param>
    /// <param name="cancel">Looked at before each step.</param>
    /// <exception cref="ArgumentException">An option is wrong, there is nothing to learn, or an example exceeds the context.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; the model is as of the last finished step.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient is no finite number; the model is as of the last good step.</exception>
    public void Run(IReadOnlyList<TokenExample> examples, CancellationToken cancel = default)
    {
        IReadOnlyList<TokenExample[]> rows = SftRows.Prepare(examples, options.Validated());
        RequireContext(rows);
        var plan = new EpochPlan([.. rows.Select(row => row.Sum(example => example.Ids.Length))], options);
        var run = new TrainingRun("SFT", plan, options, progress, cancel) { HeldOut = Measured(HeldOut) };
        run.Learn(plan.Steps(), model, options, dropout: true, (step, gradients) =>
        {
            TokenExample[][] batches = [.. step.MicroBatches.Select(batch => batch.SelectMany(index => rows[index]).ToArray())];
            double divisor = Math.Max(1, batches.Sum(batch => batch.Sum(LabelCount)));
            return batches.Sum(batch => Accumulate(batch, divisor, gradients, run));
        });
    }

    /// <summary>Forward and backward pass of one micro batch.</summary>
    /// <returns>Its share of the step's loss.</returns>
    private double Accumulate(TokenExample[] examples, double divisor, GradientStep gradients, TrainingRun run)
    {
        using TokenBatch batch = model.BatchOf(examples, options.ReadsPaddingFree);
        run.Log.CountTokens(batch.Tokens);
        return batch.Targets == 0 ? 0 : _pass.Accumulate(batch, divisor, gradients, run.Log);
    }

    /// <summary>Mean loss and figures over the labelled tokens of other texts.</summary>
    private HeldOutSet? Measured(IReadOnlyList<TokenExample>? examples)
    {
        if (examples is null)
            return null;
        SftOptions packed = options with { Packing = options.EvalPacking ?? options.Packing };
        IReadOnlyList<TokenExample[]> rows = [];
        EvaluationRows.Check(() => RequireContext(rows = SftRows.Prepare(examples, packed)));
        return new HeldOutSet(rows.Count, (numbers, figures) =>
        {
            using TokenBatch batch = model.BatchOf([.. numbers.SelectMany(number => rows[number])], packed.ReadsPaddingFree);
            if (batch.Targets > 0)
                figures.Note("loss", _pass.Accumulate(batch, batch.Targets, null, figures), batch.Targets);
        });
    }

    /// <summary>Tokens of an example in the divisor of the loss.</summary>
    private int LabelCount(TokenExample example)
    {
        bool rowsStandAlone = !options.Packing || options.PackingStrategy == PackingStrategy.Wrapped;
        bool first = rowsStandAlone && options.LabelSmoothingFactor == 0 && model.Config.LossCountsFirstToken;
        return example.LearnedTokens(countFirst: first);
    }

    private void RequireContext(IReadOnlyList<TokenExample[]> rows)
    {
        int longest = rows.Count == 0 ? 0 : rows.Max(row => row.Max(example => example.Ids.Length)), context = model.Config.ContextLength;
        if (longest > context)
            throw new ArgumentException(
                $"An example has {longest} tokens, the model reads {context} at most. Set MaxLength to {context} or less.", nameof(rows));
    }
}
