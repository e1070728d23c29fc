using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Preferences;

/// <summary>What a method makes of a batch of pairs.</summary>
internal interface IPairObjective
{
    /// <summary>From log-probabilities to the loss and its metrics.</summary>
    /// <param name="batch">Which token belongs to which answer.</param>
    /// <param name="theirs">Under the reference; 0 where there is none.</param>
    /// <param name="tokens">[N + M] under the policy, chosen answers first.</param>
    /// <param name="meanLogits">[N + M] mean of the logits over the vocabulary.</param>
    /// <returns>The mean over the pairs with its gradient, which the caller owns, and figures by TRL's names, <c>loss</c> too.</returns>
    (Tensor Loss, Dictionary<string, float> Metrics) Compare(
        PairBatch batch, PairLogProbs theirs, TokenLogProbs tokens, Tensor meanLogits);
}

/// <summary>Learns a policy from pairs, from token ids to trained weights. What is minimised is the method's.</summary>
/// <param name="stage">Who trains, for messages and reports.</param>
/// <param name="policy">Trained in place.</param>
/// <param name="options">Validated.</param>
/// <param name="objective">Of the method.</param>
/// <param name="progress">Told every <see cref="TrainingOptions.LoggingSteps"/> steps; null = nobody.</param>
internal sealed class PairLoop(
    string stage, CausalLanguageModel policy, PreferenceOptions options, IPairObjective objective,
    IProgress<StepReport>? progress = null)
{
    private readonly AuxiliaryLoss _auxiliary = new(policy.Config, options.RouterAuxLossCoef);

    /// <summary>Pairs that evaluations measure; null = there are none.</summary>
    public IReadOnlyList<PreferenceExample>? HeldOut { get; set; }

    /// <summary>What evaluations measure in the place of pairs; null = pairs.</summary>
    public HeldOutSet? Measures { get; init; }

    /// <summary>Runs all steps.</summary>
    /// <param name="examples">At least one pair.</param>
    /// <param name="reference">Makes what the policy is held against, when the pairs are found to be good; null = nothing is.</param>
    /// <param name="cancel">Looked at before every step.</param>
    /// <exception cref="ArgumentException">A pair cannot be learnt from; the message names its row. Nothing has changed.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; the weights are those of the last finished step.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient is no finite number; the weights are of the last good step.</exception>
    public void Run(
        IReadOnlyList<PreferenceExample> examples, Func<RunAnswers, IReference>? reference = null, CancellationToken cancel = default)
    {
        AnswerChecks.Check(examples, options.MaxLength, policy.Config);
        EvaluationRows.Check(() => AnswerChecks.Check(HeldOut ?? [], options.MaxLength, policy.Config));
        PreferenceExample[] all = [.. examples, .. HeldOut ?? []]; // held-out pairs have the numbers behind those of training
        PairLayout layout = options.Layout;
        var plan = new EpochPlan([.. examples.Select(example => example.Length)], options);
        var run = new TrainingRun(stage, plan, options, progress, cancel);
        var answers = new RunAnswers(
            2 * all.Length, [.. all.Select(example => example.Length)],
            (pairs, model) => new PairBatch(all, pairs, layout, layout.For(model)).Answers);
        using IReference held = reference?.Invoke(answers) ?? new NoReference();
        run.HeldOut = HeldOut is null ? Measures : Measured(all, examples.Count, held, run);
        run.Learn(
            plan.Steps(), policy, options, dropout: !options.DisableDropout,
            (step, gradients) =>
            {
                int targets = step.MicroBatches.Sum(pairs => pairs.Sum(pair => ChosenTargets(examples[pair])));
                return step.MicroBatches.Sum(pairs =>
                {
                    double share = pairs.Length / (double)step.Examples;
                    using var scope = NewDisposeScope();
                    using var batch = new PairBatch(all, pairs, layout, layout.For(policy)) { ChosenDivisor = targets * share };
                    return Accumulate(batch, share, held, gradients, run.Log) * share;
                });
            },
            updated: step => held.Follow(policy, step.Number));
    }

    /// <summary>Mean loss and figures over the pairs behind the first ones, as if they were one step.</summary>
    private HeldOutSet Measured(PreferenceExample[] all, int first, IReference held, TrainingRun run)
    {
        int count = all.Length - first;
        PairLayout layout = options.Layout;
        double targets = all.Skip(first).Sum(ChosenTargets);
        return new HeldOutSet(count, (numbers, figures) =>
        {
            double share = numbers.Length / (double)count;
            int[] pairs = [.. numbers.Select(number => first + number)];
            using var batch = new PairBatch(all, pairs, layout, layout.For(policy)) { ChosenDivisor = targets * share };
            figures.Note("loss", Accumulate(batch, share, held, null, figures), numbers.Length);
        })
        {
            Samples = () => options.Samples(run.Policy, [.. all.Skip(first).Select(pair => pair.Prompt)], held.Model),
        };
    }

    /// <summary>Forward pass of one micro batch, and where it is learnt from the backward pass.</summary>
    /// <returns>Its loss.</returns>
    private double Accumulate(PairBatch batch, double share, IReference held, GradientStep? gradients, IFigures log)
    {
        PairLogProbs theirs = batch.Split(held.Score(batch.Answers));
        RouterLoad? load = _auxiliary.Begin(batch.Tokens);
        (TokenLogProbs tokens, Tensor meanLogits) = AnswerPass.Tokens(policy, batch.Tokens, load);
        (Tensor compared, Dictionary<string, float> metrics) = objective.Compare(batch, theirs, tokens, meanLogits);
        (Tensor loss, double added) = _auxiliary.AddTo(compared, load, log, count: batch.Size);
        gradients?.Accumulate(share == 1 ? loss : loss * share);
        log.CountTokens(batch.Tokens.Tokens);
        log.NoteAll(metrics, metric => PairMetrics.Weight(metric, batch));
        return metrics["loss"] + added;
    }

    private int ChosenTargets(PreferenceExample pair) => PairBatch.ChosenTargetsOf(pair, options.Layout, policy.Config.IsEncoderDecoder);
}
