namespace Microsoft.ML.Trl.Algorithms.Dpo;

/// <summary>Iterations of answering prompts, scoring the answers and learning from pairs, from token ids to trained weights.</summary>
/// <param name="policy">Trained in place.</param>
/// <param name="reference">What the policy is held against. Null = the policy before the first step.</param>
/// <param name="options">Validated.</param>
/// <param name="scorer">Says how good answers are.</param>
/// <param name="hooks">Reports, warnings and stop rule; null = none.</param>
internal sealed class IterativeDpoLoop(
    CausalLanguageModel policy, CausalLanguageModel? reference, IterativeDpoOptions options, IRolloutScorer scorer,
    SamplingHooks? hooks = null)
{
    private readonly SamplingHooks _hooks = hooks ?? new SamplingHooks();
    private readonly DpoOptions _dpo = options.Dpo;
    private readonly Random _random = new(options.Dpo.Seed);
    private long _rows; // answered so far

    /// <summary>What evaluations answer; null = nothing is evaluated.</summary>
    public ScoredPrompts? HeldOut { get; init; }

    /// <summary>Runs all iterations.</summary>
    /// <param name="prompts">Token ids, at least one prompt; used again when all were answered.</param>
    /// <param name="cancel">Looked at before every step and for every token.</param>
    /// <exception cref="ArgumentException">There is no prompt, or one cannot be answered; its row is named. Nothing changed.</exception>
    /// <exception cref="RewardFunctionException">The scorer failed, or tells no answer from another; the step is the iteration.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the weights are those of the last finished step.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient is no finite number; the weights are of the last good step.</exception>
    public void Run(IReadOnlyList<int[]> prompts, CancellationToken cancel = default)
    {
        var limits = new RolloutLimits(1, policy.Config.VocabularySize, policy.Config.ContextLength, policy.Layout);
        RolloutChecks.CheckPrompts(prompts, HeldOut?.Prompts, limits);
        HeldOutAnswers? answers = Answers(cancel);
        bool isHeld = reference is null && !options.RenewReference && !_dpo.ReferenceFree;
        using CausalLanguageModel? own = isHeld ? policy.CreateReferenceModel(_dpo.ReferenceModel) : null;
        var progress = new IterationProgress(_hooks.Progress, options.Iterations);
        var stream = new PromptStream(prompts.Count, _dpo.Seed);
        foreach (StepPlan iteration in stream.Steps(options.Iterations, options.PromptsPerIteration ?? prompts.Count))
        {
            answers?.NextStep = iteration.Number;
            List<PreferenceExample> pairs = Answer(prompts, iteration, progress, cancel);
            CausalLanguageModel? held = options.RenewReference && iteration.Number > 1 ? null : reference ?? own;
            new PairLoop("Iterative DPO", policy, _dpo, new DpoObjective(_dpo), progress) { Measures = answers?.Measured() }.Run(
                pairs, _dpo.ReferenceFree ? null : texts => References.Of(policy, held, _dpo, texts, cancel), cancel);
        }
    }

    private HeldOutAnswers? Answers(CancellationToken cancel) => HeldOut is null ? null : new HeldOutAnswers(
        policy, HeldOut, new AnswerPlan(options.Generation, _dpo.Seed, options.NumCompletionsToPrint)
        {
            Stop = _hooks.Stop, Tokenizer = _hooks.Tokenizer,
        }, cancel);

    private List<PreferenceExample> Answer(
        IReadOnlyList<int[]> prompts, StepPlan iteration, IterationProgress progress, CancellationToken cancel)
    {
        var pairs = new List<PreferenceExample>();
        var figures = new IterationFigures(iteration.Number);
        foreach (int[] some in iteration.MicroBatches[0].Chunk(_dpo.PerDeviceTrainBatchSize))
        {
            cancel.ThrowIfCancellationRequested();
            RolloutTexts rollout = Draw(prompts, some, iteration.Number, cancel);
            RewardTable table = RewardScorer.Ask(scorer, rollout, cancel);
            IReadOnlyList<double?> scores = table.Columns[0];
            figures.Add(scorer.Samples(rollout, table, scores, Math.Max(0, options.NumCompletionsToPrint - figures.Samples.Count)), table);
            for (int first = 0; first < scores.Count; first += options.NumOutputSequences)
                if (Pair(rollout, scores, first, figures) is { } pair)
                    pairs.Add(pair);
        }
        progress.Begin(figures);
        return pairs.Count > 0 ? pairs : throw new RewardFunctionException(
            iteration.Number,
            $"the {options.NumOutputSequences} answers to each of {iteration.Examples} prompts have equal scores or are equal, so that no "
            + "pair tells which is better. Look at the reward, or sample more varied answers.");
    }

    /// <summary>Several answers to each of some prompts, those of a prompt one behind the other.</summary>
    private RolloutTexts Draw(IReadOnlyList<int[]> prompts, int[] chosen, int iteration, CancellationToken cancel)
    {
        long next = ((long)_dpo.Seed << 32) + _rows;
        _rows += chosen.Length;
        GenerationResult answers = new TokenGenerator(policy) { Tokenizer = _hooks.Tokenizer }.Generate(
            [.. chosen.Select(prompt => prompts[prompt])], options.Sampling, [.. chosen.Select((_, row) => next + row)], _hooks.Stop,
            cancel: cancel);
        int[] asked = [.. chosen.SelectMany(prompt => Enumerable.Repeat(prompt, options.NumOutputSequences))];
        return new RolloutTexts(iteration, asked, [.. asked.Select(prompt => prompts[prompt])], answers.Tokens);
    }

    /// <summary>A pair of answers to one prompt, cut at the length limit; null where there is none.</summary>
    private PreferenceExample? Pair(RolloutTexts rollout, IReadOnlyList<double?> scores, int first, IterationFigures figures)
    {
        int[] rows = [.. Enumerable.Range(first, options.NumOutputSequences).Where(row => scores[row] is not null)];
        int[] prompt = rollout.Queries[first];
        int room = (_dpo.MaxLength ?? int.MaxValue) - prompt.Length;
        if (room < 1 || rows.Length < 2)
            return null;
        double[] penalised =
            [.. rows.Select(row => scores[row]!.Value - (options.LengthPenalty * rollout.Responses[row].Length))];
        if (ScoredPairs.Choose(penalised, options.SamplingPairedMethod, _random) is not var (chosen, rejected))
            return null;
        int[] better = [.. rollout.Responses[rows[chosen]].Take(room)], worse = [.. rollout.Responses[rows[rejected]].Take(room)];
        if (better.AsSpan().SequenceEqual(worse))
            return null;
        figures.AddPair(scores[rows[chosen]]!.Value - scores[rows[rejected]]!.Value);
        return new PreferenceExample(prompt, better, worse);
    }
}

/// <summary>What an iteration's answers came to.</summary>
/// <param name="number">Counted from 1.</param>
internal sealed class IterationFigures(int number)
{
    private readonly Dictionary<string, IEnumerable<double>> _logged = [];
    private double _scores, _margins;
    private int _answers, _pairs;

    /// <summary>Counted from 1.</summary>
    public int Number => number;

    /// <summary>Some answers, for a human to read.</summary>
    public List<SampleCompletion> Samples { get; } = [];

    /// <summary>The figures by name.</summary>
    public IEnumerable<KeyValuePair<string, double>> Metrics =>
    [
        new("iteration", Number), new("data/pairs", _pairs),
        new("objective/scores", _scores / _answers), new("objective/scores_margin", _margins / _pairs),
        .. _logged.Select(metric => KeyValuePair.Create(metric.Key, metric.Value.Average())),
    ];

    public void Add(IReadOnlyList<SampleCompletion> samples, RewardTable table)
    {
        Samples.AddRange(samples);
        double[] scores = [.. table.Columns[0].OfType<double>()];
        _scores += scores.Sum();
        _answers += scores.Length;
        foreach ((string name, double value) in table.Log.Metrics())
            _logged[name] = _logged.GetValueOrDefault(name, []).Append(value);
    }

    public void AddPair(double margin)
    {
        _margins += margin;
        _pairs++;
    }
}

/// <summary>Hands reports on as those of one run: steps count on, and each carries the figures of its iteration.</summary>
internal sealed class IterationProgress(IProgress<StepReport>? progress, int iterations) : IRunAudience
{
    private IterationFigures _figures = new(0);
    private int _done, _steps;
    private bool _isFirst;

    /// <inheritdoc/>
    public PolicyView? Policy => (progress as IRunAudience)?.Policy;

    /// <summary>The reports from now on are those of an iteration.</summary>
    public void Begin(IterationFigures figures)
    {
        _done += _steps;
        (_figures, _isFirst, _steps) = (figures, true, 0);
    }

    public void Report(StepReport value)
    {
        _steps = value.TotalSteps;
        bool isEvaluation = value.Metrics.Keys.Any(name => name.StartsWith(EvaluatedOptions.EvalPrefix, StringComparison.Ordinal));
        progress?.Report(value with
        {
            Step = _done + value.Step,
            TotalSteps = _done + (value.TotalSteps * (iterations - _figures.Number + 1)),
            Metrics = isEvaluation ? value.Metrics : value.Metrics.Concat(_figures.Metrics).ToDictionary(),
            Completions = [.. _isFirst && !isEvaluation ? _figures.Samples : [], .. value.Completions],
        });
        _isFirst &= isEvaluation;
    }
}
