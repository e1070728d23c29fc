using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.OnlinePairs;

/// <summary>
/// Answers each prompt twice, has the answers compared, and learns from the verdicts, from token ids to trained weights. What is minimised
/// is the method's.
/// </summary>
/// <param name="method">Draws the second answers and makes the loss.</param>
/// <param name="options">Validated.</param>
/// <param name="policy">Trained in place.</param>
/// <param name="reference">What the policy is held against; never changed. Null = the policy before the first step.</param>
/// <param name="judge">Compares answers.</param>
/// <param name="hooks">Reports, warnings and stop rule; null = none.</param>
internal sealed class OnlinePairLoop(
    IOnlinePairMethod method, OnlinePairOptions options, CausalLanguageModel policy, CausalLanguageModel? reference, IAnswerJudge judge,
    SamplingHooks? hooks = null)
{
    private readonly SamplingHooks _hooks = hooks ?? new SamplingHooks();

    /// <summary>What evaluations answer; null = nothing is evaluated.</summary>
    public HeldOutPairs? HeldOut { get; init; }

    /// <summary>Runs all steps.</summary>
    /// <param name="prompts">Token ids, at least one prompt.</param>
    /// <param name="cancel">Looked at before every step and for every token.</param>
    /// <exception cref="ArgumentException">There is no prompt, or one cannot be answered; its row is named. Nothing changed.</exception>
    /// <exception cref="RewardFunctionException">The judge failed; weights as of the last good step.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; the weights are those of the last finished step.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient is no finite number; the weights are of the last good step.</exception>
    public void Run(IReadOnlyList<int[]> prompts, CancellationToken cancel = default)
    {
        int context = Math.Min(policy.Config.ContextLength, reference?.Config.ContextLength ?? int.MaxValue);
        var limits = new RolloutLimits(options.PerDeviceTrainBatchSize, policy.Config.VocabularySize, context, policy.Layout);
        RolloutChecks.CheckPrompts(prompts, HeldOut?.Prompts, limits);
        var plan = new EpochPlan([.. prompts.Select(prompt => prompt.Length)], options);
        var run = new TrainingRun(method.Stage, plan, options, _hooks.Progress, cancel);
        using CausalLanguageModel? own = reference is null ? policy.CreateReferenceModel(options.ReferenceModel) : null;
        CausalLanguageModel held = reference ?? own!;
        held.eval(); // no dropout in a reference
        var sampler = new PairSampler(policy, options, _hooks);
        var comparison = new PairComparison(method, options, policy, held);
        PairEvaluation? evaluation = HeldOut is null ? null : new PairEvaluation(HeldOut, comparison, sampler, cancel);
        run.HeldOut = evaluation?.Measured();
        run.Learn(plan.Steps(), policy, options, dropout: !options.DisableDropout, (step, gradients) =>
        {
            int[] chosen = [.. step.MicroBatches.SelectMany(batch => batch)];
            int[][] queries = Array.ConvertAll(chosen, prompt => prompts[prompt]);
            int epoch = EpochOf(step);
            (int[][] first, int[][] second) = sampler.Draw(queries, method.Opponent(policy, held, epoch), cancel);
            JudgedPairs pairs = Judged(comparison, new RolloutTexts(step.Number, chosen, queries, first), second, run, cancel);
            foreach ((string name, double value) in method.Figures(pairs, epoch))
                run.Log.Note(name, value);
            return Learn(pairs, new Learning(step.Number, epoch, comparison, gradients, run));
        }, updated: step => evaluation?.At(step.Number + 1, EpochOf(step)));
    }

    private static int EpochOf(StepPlan step) => Math.Max(0, (int)Math.Ceiling(step.Epoch) - 1);

    private JudgedPairs Judged(PairComparison comparison, RolloutTexts first, int[][] second, TrainingRun run, CancellationToken cancel)
    {
        RolloutTexts others = first with { Responses = second };
        JudgedPairs pairs = comparison.Judged(judge, first, others, cancel);
        foreach ((string name, double value) in pairs.Verdicts.Log.Metrics())
            run.Log.Note(name, value);
        run.Log.NoteCompletions(judge.Samples(first, others, pairs.Verdicts, options.NumCompletionsToPrint));
        return pairs;
    }

    /// <summary>
    /// Accumulates the mean over the pairs that were decided. Where none was, the gradients are 0, and only the optimizer's momentum acts.
    /// </summary>
    private double Learn(JudgedPairs pairs, Learning step)
    {
        int[] all = [.. Enumerable.Range(0, pairs.Prompts.Length)], decided = pairs.Decided;
        if (decided.Length < all.Length)
            step.Run.Log.Note("val/undecided", 1 - (decided.Length / (double)all.Length));
        if (decided.Length == 0)
            _hooks.Warn?.Invoke($"Step {step.Number}: the judge decided none of {all.Length} pairs; nothing was learnt from them.");
        int[] learnt = decided.Length > 0 ? decided : all;
        double weight = decided.Length > 0 ? 1.0 / decided.Length : 0;
        return learnt.Chunk(options.PerDeviceTrainBatchSize).Sum(rows => Accumulate(pairs, rows, weight * rows.Length, step));
    }

    /// <summary>Forward and backward pass of one micro batch.</summary>
    /// <returns>Its share of the step's loss.</returns>
    private static double Accumulate(JudgedPairs pairs, int[] rows, double share, Learning step)
    {
        using DisposeScope scope = NewDisposeScope();
        using AnswerBatch answers = step.Comparison.Answers(pairs, rows);
        (Tensor loss, Dictionary<string, float> metrics) = step.Comparison.Compare(pairs, rows, answers, step.Epoch);
        step.Gradients.Accumulate(share == 1 ? loss : loss * share);
        step.Run.Log.CountTokens(answers.Tokens.Tokens);
        if (share > 0)
            step.Run.Log.NoteAll(metrics);
        return metrics["loss"] * share;
    }

    /// <summary>The step that runs now.</summary>
    private sealed record Learning(int Number, int Epoch, PairComparison Comparison, GradientStep Gradients, TrainingRun Run);
}
