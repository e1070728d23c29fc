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
    private readonly IReadOnlyList<int> _ends = options.Generation.EosTokenIds ?? policy.Config.EosTokenIds;

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
        RolloutChecks.CheckPrompts(
            prompts, new RolloutLimits(options.PerDeviceTrainBatchSize, policy.Config.VocabularySize, context, policy.Layout));
        var plan = new EpochPlan([.. prompts.Select(prompt => prompt.Length)], options);
        var run = new TrainingRun(method.Stage, plan, options, _hooks.Progress, cancel);
        using CausalLanguageModel? own = reference is null ? policy.CreateReferenceModel(options.ReferenceModel) : null;
        CausalLanguageModel held = reference ?? own!;
        held.eval(); // no dropout in a reference
        var sampler = new PairSampler(policy, options, _hooks);
        run.Learn(plan.Steps(), policy, options, dropout: !options.DisableDropout, (step, gradients) =>
        {
            int epoch = Math.Max(0, (int)Math.Ceiling(step.Epoch) - 1);
            int[] chosen = [.. step.MicroBatches.SelectMany(batch => batch)];
            int[][] queries = Array.ConvertAll(chosen, prompt => prompts[prompt]);
            (int[][] first, int[][] second) = sampler.Draw(queries, method.Opponent(policy, held, epoch), cancel);
            JudgedPairs pairs = Judged(
                new RolloutTexts(step.Number, chosen, queries, first), new RolloutTexts(step.Number, chosen, queries, second), run, cancel);
            foreach ((string name, double value) in method.Figures(pairs, epoch))
                run.Log.Note(name, value);
            return Learn(pairs, new Learning(step.Number, epoch, held, gradients, run));
        });
    }

    private JudgedPairs Judged(RolloutTexts first, RolloutTexts second, TrainingRun run, CancellationToken cancel)
    {
        PairVerdicts verdicts = judge.Judge(first, second, cancel);
        bool[] firstEnded = [.. first.Responses.Select(HasEnded)], secondEnded = [.. second.Responses.Select(HasEnded)];
        if (options.MissingEosPenalty is { } penalty && verdicts.Scores is { } scores)
            verdicts = verdicts.With([.. scores.Select((pair, row) => (
                pair.First - (firstEnded[row] ? 0 : penalty), pair.Second - (secondEnded[row] ? 0 : penalty)))]);
        foreach ((string name, double value) in verdicts.Log.Metrics())
            run.Log.Note(name, value);
        run.Log.NoteCompletions(judge.Samples(first, second, verdicts, options.NumCompletionsToPrint));
        return new JudgedPairs(
            [.. first.Queries], [.. first.Responses], [.. second.Responses], firstEnded, secondEnded, verdicts);
    }

    /// <summary>
    /// Accumulates the mean over the pairs that were decided. Where none was, the gradients are 0, and only the optimizer's momentum acts.
    /// </summary>
    private double Learn(JudgedPairs pairs, Learning step)
    {
        int[] all = [.. Enumerable.Range(0, pairs.Prompts.Length)];
        int[] decided = Array.FindAll(all, row => pairs.Verdicts.FirstWins[row] is not null);
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
    private double Accumulate(JudgedPairs pairs, int[] rows, double share, Learning step)
    {
        using DisposeScope scope = NewDisposeScope();
        using AnswerBatch answers = Answers(pairs, rows);
        Tensor firstWins = tensor(
            Array.ConvertAll(rows, row => (float)(pairs.Verdicts.FirstWins[row] ?? 0.5)), device: policy.Device); // [B]
        double? meanScore = pairs.Verdicts.Scores is { } scores ? rows.Average(row => (scores[row].First + scores[row].Second) / 2) : null;
        var pass = new OnlinePairPass(answers, LogProbsOf(policy, answers), Frozen(step.Reference, answers), firstWins, meanScore);
        (Tensor loss, Dictionary<string, float> metrics) = method.Compare(pass, step.Epoch);
        step.Gradients.Accumulate(share == 1 ? loss : loss * share);
        step.Run.Log.CountTokens(answers.Tokens.Tokens);
        if (share > 0)
            step.Run.Log.NoteAll(metrics);
        return metrics["loss"] * share;
    }

    private AnswerBatch Answers(JudgedPairs pairs, int[] rows)
    {
        IEnumerable<TokenExample> texts = rows.Select(row => Text(pairs.Prompts[row], pairs.First[row]));
        if (method.ReadsSecond)
            texts = texts.Concat(rows.Select(row => Text(pairs.Prompts[row], pairs.Second[row])));
        TokenExample[] all = [.. texts];
        return new AnswerBatch(policy.BatchOf(all, paddingFree: false), [.. Enumerable.Range(0, all.Length)]);
    }

    /// <summary>Prompt and answer; of a prompt that is too long the beginning is cut off, as in TRL.</summary>
    private TokenExample Text(int[] prompt, int[] answer)
    {
        int cut = Math.Max(0, prompt.Length + answer.Length - options.MaxLength);
        return new TokenExample([.. prompt.AsSpan(cut), .. answer], prompt.Length - cut);
    }

    private bool HasEnded(int[] answer) => answer.Length > 0 && _ends.Contains(answer[^1]);

    private static Tensor LogProbsOf(CausalLanguageModel model, AnswerBatch answers) // [N] in the current scope
    {
        VocabularyProjection head = model.Head; // widened where it is quantized: the backward pass reads it
        return LogProbs.OfHidden(model.HiddenAt(answers.Tokens), head, answers.Tokens.Labels);
    }

    private static Tensor Frozen(CausalLanguageModel model, AnswerBatch answers) // [N] in the scope around
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        return LogProbsOf(model, answers).MoveToOuterDisposeScope();
    }

    /// <summary>The step that runs now.</summary>
    private sealed record Learning(int Number, int Epoch, CausalLanguageModel Reference, GradientStep Gradients, TrainingRun Run);
}
