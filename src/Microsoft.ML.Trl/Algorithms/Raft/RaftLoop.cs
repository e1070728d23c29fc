namespace Microsoft.ML.Trl.Algorithms.Raft;

/// <summary>Reward-ranked fine-tuning (arXiv:2304.06767, Algorithm 1): sample, rank, learn the best, and again.</summary>
/// <param name="work">Who answers what.</param>
/// <param name="options">Validated.</param>
/// <param name="progress">Told every <see cref="TrainingOptions.LoggingSteps"/> steps; null = nobody.</param>
internal sealed class RaftLoop(RaftWork work, RaftOptions options, IProgress<StepReport>? progress = null)
{
    private readonly CausalLanguageModel _policy = work.Model.Network;
    private readonly SftPass _pass = new(work.Model.Network, SftLoss.Nll, options.RouterAuxLossCoef);
    private readonly EpochPlan _full = new([.. Enumerable.Repeat(1, options.RaftBatchSize)], options); // of an iteration that lacks nothing
    private IReadOnlyList<TokenExample> _texts = [];
    private StepPlan[] _steps = []; // of the iteration that runs

    /// <summary>Runs all iterations.</summary>
    /// <param name="cancel">Looked at before every step and for every token.</param>
    /// <exception cref="ArgumentException">A prompt cannot be answered, or the run has more steps than can be counted.</exception>
    /// <exception cref="InvalidOperationException">No completion of the first iteration can be learnt.</exception>
    /// <exception cref="IOException">A file cannot be written.</exception>
    /// <exception cref="RewardFunctionException">A reward threw or gave no finite number; weights as of the last good step.</exception>
    /// <exception cref="TrainingCanceledException">Cancelled; the weights are those of the last finished step.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient is no finite number; the weights are of the last good step.</exception>
    /// <exception cref="TrainingFailedException">The same of a later iteration; the weights are of the last step.</exception>
    public void Run(CancellationToken cancel = default)
    {
        var limits = new RolloutLimits(1, _policy.Config.VocabularySize, _policy.Config.ContextLength, _policy.Layout);
        RolloutChecks.CheckPrompts([.. work.Prompts.Select(row => row.Prompt.Ids)], work.HeldOut?.Prompts, limits);
        var run = new TrainingRun("RAFT", TotalSteps(), options, progress, cancel);
        HeldOutAnswers? answers = Answers(cancel);
        run.HeldOut = answers?.Measured();
        var collector = new RaftCollector(work, options);
        var record = new RaftRecord(options);
        run.Learn(Steps(), _policy, options, dropout: true, (step, gradients) =>
        {
            if (step.MicroBatches.Count == 0)
                step = Begin(collector, record, step, run.Log, cancel);
            TokenExample[][] batches = [.. step.MicroBatches.Select(batch => batch.Select(row => _texts[row]).ToArray())];
            double divisor = Math.Max(1, batches.Sum(batch => batch.Sum(LabelCount)));
            return batches.Sum(batch => Accumulate(batch, divisor, gradients, run.Log));
        }, updated: step => answers?.NextStep = step.Number + 1);
    }

    private HeldOutAnswers? Answers(CancellationToken cancel)
    {
        if (work.HeldOut is not { } heldOut)
            return null;
        var plan = new AnswerPlan(options.Generation, options.Seed, options.NumCompletionsToPrint)
        {
            Stop = work.Model.StopRule(options.Generation), Tokenizer = work.Model.Tokenizer,
        };
        return new HeldOutAnswers(_policy, heldOut, plan, cancel);
    }

    /// <summary>All steps; the first of each iteration collects what the others learn from, and so has no examples yet.</summary>
    private IEnumerable<StepPlan> Steps()
    {
        int number = 0;
        for (int iteration = 0; iteration < options.NumRaftIteration; iteration++)
        {
            double before = iteration * options.NumTrainEpochs;
            yield return new StepPlan(++number, before + _full.Steps().First().Epoch, []);
            foreach (StepPlan next in _steps.Skip(1))
                yield return next with { Number = ++number, Epoch = before + next.Epoch, Work = 1 };
        }
    }

    private StepPlan Begin(RaftCollector collector, RaftRecord record, StepPlan step, StepLog log, CancellationToken cancel)
    {
        RaftCollection collection = collector.Collect(step.Number, log, cancel);
        record.Add(collection);
        _texts = options.CompletionOnlyLoss ? collection.Texts : [.. collection.Texts.Select(text => text with { PromptLength = 0 })];
        EpochOptions order = options with { DataSeed = unchecked((options.DataSeed ?? options.Seed) + step.Number) };
        _steps = [.. new EpochPlan([.. _texts.Select(text => text.Ids.Length)], order).Steps()];
        return _steps[0];
    }

    /// <summary>Forward and backward pass of one micro batch.</summary>
    /// <returns>Its share of the step's loss.</returns>
    private double Accumulate(TokenExample[] texts, double divisor, GradientStep gradients, StepLog log)
    {
        using TokenBatch batch = _policy.BatchOf(texts, options.PaddingFree);
        log.CountTokens(batch.Tokens);
        return batch.Targets == 0 ? 0 : _pass.Accumulate(batch, divisor, gradients, log);
    }

    private int LabelCount(TokenExample text) => text.LearnedTokens(countFirst: _policy.Config.LossCountsFirstToken);

    private int TotalSteps()
    {
        long steps = (long)options.NumRaftIteration * _full.TotalSteps;
        return steps <= int.MaxValue ? (int)steps : throw new ArgumentException(
            $"NumRaftIteration ({options.NumRaftIteration}) times {_full.TotalSteps} steps of an iteration is {steps}; at most "
            + $"{int.MaxValue} are possible. Lower it, or RaftBatchSize.");
    }
}
