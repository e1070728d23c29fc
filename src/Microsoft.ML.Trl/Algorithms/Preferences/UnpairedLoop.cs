using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>How likely completions are. All tensors live in the scope of the step.</summary>
/// <param name="Policy">[B] log-probability under the policy, with gradient.</param>
/// <param name="Ratio">[B] the same minus that under the reference.</param>
/// <param name="MismatchedRatio">[B] policy minus reference of completions of other prompts, no gradient; null where not asked for.</param>
internal sealed record UnpairedTerms(Tensor Policy, Tensor Ratio, Tensor? MismatchedRatio);

/// <summary>What a method makes of a batch of completions that are wanted or not.</summary>
internal interface IUnpairedObjective
{
    /// <summary>Whether it asks for <see cref="UnpairedTerms.MismatchedRatio"/>.</summary>
    bool ComparesMismatched { get; }

    /// <summary>From log-probabilities to the loss and its metrics.</summary>
    /// <param name="batch">Which completions there are.</param>
    /// <param name="terms">How likely they are.</param>
    /// <param name="tokens">[N] under the policy.</param>
    /// <param name="meanLogits">[N] mean of the logits over the vocabulary.</param>
    /// <returns>The mean over the batch with its gradient, which the caller owns, and figures by TRL's names, <c>loss</c> too.</returns>
    (Tensor Loss, Dictionary<string, float> Metrics) Compare(
        UnpairedBatch batch, UnpairedTerms terms, TokenLogProbs tokens, Tensor meanLogits);
}

/// <summary>Learns a policy from single completions, from token ids to trained weights. What is minimised is the method's.</summary>
/// <param name="stage">Who trains, for messages and reports.</param>
/// <param name="policy">Trained in place.</param>
/// <param name="reference">What the policy is held against; null = the policy before the first step.</param>
/// <param name="options">Validated.</param>
/// <param name="progress">Told every <see cref="TrainingOptions.LoggingSteps"/> steps; null = nobody.</param>
internal sealed class UnpairedLoop(
    string stage, CausalLanguageModel policy, CausalLanguageModel? reference, UnpairedOptions options,
    IProgress<StepReport>? progress = null)
{
    private readonly AuxiliaryLoss _auxiliary = new(policy.Config, options.RouterAuxLossCoef);
    private readonly int _limit = Math.Min(options.MaxLength ?? int.MaxValue, policy.Config.ContextLength);

    /// <summary>Completions that evaluations measure; null = there are none.</summary>
    public IReadOnlyList<UnpairedExample>? HeldOut { get; init; }

    /// <summary>Runs all steps.</summary>
    /// <param name="examples">At least two.</param>
    /// <param name="objective">Of the method.</param>
    /// <param name="cancel">Looked at before every step.</param>
    /// <exception cref="ArgumentException">An example cannot be learnt from; the message names its row. Nothing has changed.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; the weights are those of the last finished step.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient is no finite number; the weights are of the last good step.</exception>
    public void Run(IReadOnlyList<UnpairedExample> examples, IUnpairedObjective objective, CancellationToken cancel = default)
    {
        AnswerChecks.Check(examples, options.MaxLength, policy.Config);
        EvaluationRows.Check(() => AnswerChecks.Check(HeldOut ?? [], options.MaxLength, policy.Config));
        var plan = new EpochPlan([.. examples.Select(example => example.Length)], options);
        UnpairedExample[] all = [.. examples, .. HeldOut ?? []]; // held-out completions have the numbers behind those of training
        int[][]? mismatched = objective.ComparesMismatched ? Mismatched(examples, HeldOut) : null;
        var run = new TrainingRun(stage, plan, options, progress, cancel);
        using IReference held = References.Of(policy, reference, options, Answers(all, mismatched), cancel);
        double Pass(int[] rows, double share, GradientStep? gradients, IFigures log)
        {
            using var scope = NewDisposeScope();
            using var batch = new UnpairedBatch(all, rows, mismatched, _limit, options.Layout.For(policy));
            return Accumulate(batch, share, objective, held, gradients, log);
        }
        run.HeldOut = HeldOut is null ? null : new HeldOutSet(HeldOut.Count, (numbers, figures) => figures.Note(
            "loss", Pass([.. numbers.Select(number => examples.Count + number)], 1, null, figures), numbers.Length))
        {
            Complete = UnpairedMetrics.Complete,
            Samples = () => options.Samples(run.Policy, [.. HeldOut.Select(row => row.Prompt)], held.Model),
        };
        run.Learn(
            plan.Steps(), policy, options, dropout: !options.DisableDropout,
            (step, gradients) => step.MicroBatches.Sum(rows =>
            {
                double share = rows.Length / (double)step.Examples;
                return Pass(rows, share, gradients, run.Log) * share;
            }),
            updated: step => held.Follow(policy, step.Number));
    }

    private int[][] Mismatched(IReadOnlyList<UnpairedExample> examples, IReadOnlyList<UnpairedExample>? heldOut)
    {
        int[][] Of(IReadOnlyList<UnpairedExample> rows, int batchSize) => rows.Count > 1
            ? UnpairedBatch.Mismatch(rows, batchSize)
            : throw new ArgumentException(
                $"There is one completion, and {stage} compares each with that of another prompt; give at least two rows.",
                nameof(examples));
        int[][] others = Of(examples, options.PerDeviceTrainBatchSize);
        if (heldOut is not null)
            EvaluationRows.Check(() => others = [.. others, .. Of(heldOut, options.PerDeviceEvalBatchSize)]);
        return others;
    }

    /// <summary>Forward pass of one micro batch, and where it is learnt from the backward pass.</summary>
    /// <returns>Its loss.</returns>
    private double Accumulate(
        UnpairedBatch batch, double share, IUnpairedObjective objective, IReference held, GradientStep? gradients, IFigures log)
    {
        Tensor? mismatched = batch.Mismatched is { } others ? AnswerPass.Score(policy, others) - held.Score(others) : null;
        Tensor theirs = held.Score(batch.Answers);
        RouterLoad? load = _auxiliary.Begin(batch.Answers.Tokens);
        (TokenLogProbs tokens, Tensor meanLogits) = AnswerPass.Tokens(policy, batch.Answers.Tokens, load);
        Tensor ours = batch.Answers.Sum(tokens.LogProbs);
        (Tensor compared, Dictionary<string, float> metrics) =
            objective.Compare(batch, new UnpairedTerms(ours, ours - theirs, mismatched), tokens, meanLogits);
        (Tensor loss, double added) = _auxiliary.AddTo(compared, load, log, count: batch.Answers.Size);
        gradients?.Accumulate(loss * share);
        log.CountTokens(batch.Answers.Tokens.Tokens);
        log.NoteAll(metrics, metric => UnpairedMetrics.Weight(metric, batch));
        return metrics["loss"] + added;
    }

    private RunAnswers Answers(UnpairedExample[] examples, int[][]? mismatched)
    {
        int[] lengths = [.. examples.Select(example => example.Length)];
        int count = mismatched is null ? examples.Length : 2 * examples.Length;
        return new RunAnswers(count, lengths, (rows, model) =>
        {
            TokenExample[] texts = [.. rows.Select(row => examples[row].Text())];
            int[] numbers = rows;
            if (mismatched is not null)
            {
                texts = [.. texts, .. rows.Select(row => examples[row].Text(mismatched[row]))];
                numbers = [.. numbers, .. rows.Select(row => examples.Length + row)];
            }
            return new AnswerBatch(options.Layout.For(model)([.. texts.Select(text => text.Truncated(_limit))]), numbers);
        });
    }
}
