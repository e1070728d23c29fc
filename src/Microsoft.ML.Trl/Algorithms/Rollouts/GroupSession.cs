using System.Diagnostics;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl;

/// <summary>
/// GRPO, or another method that compares the completions of a prompt, one generation at a time: for those who write the loop, generate or
/// score in a way of their own.
/// </summary>
/// <remarks>One thread at a time. Between two calls only weights, the optimizer's state and a few numbers are alive.</remarks>
public sealed class GroupSession : IDisposable
{
    private readonly CausalLanguageModel _policy;
    private readonly GroupOptions _options;
    private readonly IGroupObjective _objective;
    private readonly GroupPass _learning;
    private readonly MemorySaving _memory; // which weights are trained, as long as the session lives
    private readonly GradientStep _gradients;
    private readonly WeightAverage? _average;
    private readonly HeldModel? _reference;
    private readonly RolloutSampler _sampler;
    private readonly RolloutLimits _limits;
    private readonly Generator _dropout;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private long _tokens;
    private bool _isDisposed;

    /// <summary>Starts a run; the weights change with every step.</summary>
    /// <param name="policy">What is trained: where an adapter that is to be trained is on, that alone. The caller keeps it.</param>
    /// <param name="options">
    /// Such as <see cref="GrpoOptions"/>; checked here. <see cref="EpochOptions.MaxSteps"/> is the length of the schedule, and must be set.
    /// </param>
    /// <param name="reference">
    /// What KL is measured to, where <see cref="GroupOptions.Beta"/> gives it a price. The caller keeps it. Null = a copy of the policy as
    /// it is now, which the session owns.
    /// </param>
    /// <exception cref="ArgumentException">An option is out of range, or does not fit the models; the message names it.</exception>
    /// <exception cref="InvalidOperationException">No weight of the policy is trained, or the options' optimizer failed.</exception>
    /// <exception cref="IOException">A folder for optimizer state or activations is not there, or its disk is full.</exception>
    /// <exception cref="NotSupportedException">The options ask for what the caller of a session does.</exception>
    /// <exception cref="TrainingDivergedException">A weight is no finite number before the first step; the message names it.</exception>
    /// <exception cref="ObjectDisposedException">A model was disposed.</exception>
    public GroupSession(CausalLanguageModel policy, GroupOptions options, CausalLanguageModel? reference = null)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(options);
        (_policy, _options) = (policy, Usable(options.Checked()));
        if (reference is not null && reference.Config.VocabularySize != policy.Config.VocabularySize)
            throw new ArgumentException(
                $"The reference has a vocabulary of {reference.Config.VocabularySize} tokens, the policy one of "
                + $"{policy.Config.VocabularySize}; both must read the same token ids.", nameof(reference));
        _options.Generation.CheckTokens(policy.Config.VocabularySize);
        QuantizedWeights.RequireHeld(policy, options.BaseQuantization, "policy");
        PeftExtensions.Require(policy, options.Peft, options.Seed);
        policy.RequireTrainable("policy");
        FiniteWeights.Require("policy", policy.Everything());
        _objective = _options.Objective();
        _learning = new GroupPass(policy, _options, _objective);
        _limits = new RolloutLimits(
            options.PerDeviceTrainBatchSize, policy.Config.VocabularySize, policy.Config.ContextLength, policy.Layout);
        _sampler = new RolloutSampler(policy, options.Seed);
        _dropout = new Generator((uint)options.Seed);
        _memory = MemorySaving.Begin(policy, options);
        try
        {
            _reference = options.Beta == 0 ? null : HeldModel.Of(policy, reference, options.ReferenceModel, options.Sync);
            _gradients = new GradientStep(ParameterRates.Of(policy, [], options), options, options.MaxSteps, _memory);
            _average = WeightAverage.Of(options, policy.parameters(), options.MaxSteps);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Updates done.</summary>
    public int StepNumber => _gradients.Number;

    /// <summary>Rate of the next update.</summary>
    public double LearningRate => _gradients.LearningRate;

    /// <summary>Queries that a step takes: the completions of a generation over those of a query.</summary>
    public int QueriesPerStep => _options.PassesPerGeneration * _options.PerDeviceTrainBatchSize / _options.NumGenerations;

    /// <summary>Samples completions of each query from the policy as it is now.</summary>
    /// <param name="queries">Token ids, each at least one.</param>
    /// <param name="stop">Tells from a row's new tokens whether it has ended, for stop strings; null = only end tokens do.</param>
    /// <param name="cancel">Looked at for every token.</param>
    /// <returns>
    /// <see cref="GroupOptions.NumGenerations"/> per query, those of a query one behind the other: new tokens, end tokens included.
    /// </returns>
    /// <exception cref="ArgumentException">A query cannot be answered; the message names it.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    public IReadOnlyList<int[]> Generate(
        IReadOnlyList<int[]> queries, Func<IReadOnlyList<int>, bool>? stop = null, CancellationToken cancel = default)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        RolloutChecks.CheckPrompts(queries, _limits);
        int[][] asked = [.. queries.SelectMany(query => Enumerable.Repeat(query, _options.NumGenerations))];
        IReadOnlyList<int[]> drawn = _sampler.Generate(_sampler.Batches(asked, _options.Generation, null, null), stop, cancel);
        _sampler.Forget();
        return drawn;
    }

    /// <summary>Learns from one generation: <see cref="GroupOptions.NumIterations"/> passes over its completions.</summary>
    /// <param name="queries"><see cref="QueriesPerStep"/> of them.</param>
    /// <param name="completions">As many of each as the options say, in the order of <see cref="Generate"/>; none empty.</param>
    /// <param name="scores">One per completion, higher is better; null = it cannot be scored, and is left out.</param>
    /// <returns>
    /// Means over the updates of this call, with TRL's names; with <c>grad_norm</c> (before clipping) and <c>learning_rate</c> of the last
    /// one.
    /// </returns>
    /// <exception cref="ArgumentException">Rows cannot be learnt from; the message names them. Nothing has changed.</exception>
    /// <exception cref="InvalidOperationException">More updates would be made than the schedule has, and nothing has changed.</exception>
    /// <exception cref="TrainingDivergedException">
    /// Loss or gradient is no finite number; the weights are those of the last good update.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    public StepReport Step(IReadOnlyList<int[]> queries, IReadOnlyList<int[]> completions, IReadOnlyList<double?> scores)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        RolloutChecks.CheckGroups(queries, completions, scores, QueriesPerStep, _options.NumGenerations, _limits);
        int passes = _options.PassesPerGeneration * _options.NumIterations, updates = passes / _options.GradientAccumulationSteps;
        if (StepNumber + updates > _options.MaxSteps)
            throw new InvalidOperationException(
                $"{StepNumber} updates are done, and a step makes {updates} more, but MaxSteps is {_options.MaxSteps}; begin the session "
                + "with more.");
        var told = new LatestReport();
        var log = new StepLog("Groups", updates, _options with { LoggingSteps = int.MaxValue, LoggingFirstStep = false }, told);
        GroupRollout rollout = Collect(queries, completions, scores, log);
        Learn(rollout, passes, log);
        _tokens += told.Report!.Tokens;
        Dictionary<string, double> metrics = new(told.Report.Metrics) { ["num_tokens"] = _tokens };
        metrics.Remove("epoch");
        return new StepReport("Groups", StepNumber, _options.MaxSteps, metrics, _tokens, _clock.Elapsed);
    }

    /// <summary>
    /// Frees what the session made; the policy stays. Frozen weights can be trained again, averaged ones have their averages from now on.
    /// </summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _gradients?.Dispose(); // null where the constructor failed
        _average?.Apply();
        _average?.Dispose();
        _reference?.Dispose();
        _sampler.Dispose();
        _dropout.Dispose();
        _memory.Dispose();
    }

    private GroupRollout Collect(
        IReadOnlyList<int[]> queries, IReadOnlyList<int[]> completions, IReadOnlyList<double?> scores, StepLog log)
    {
        var work = new GroupWork(queries, new GivenScores(scores), [1], (_, _) => completions);
        GroupOptions inOrder = _options with { TrainSamplingStrategy = TrainSamplingStrategy.Sequential };
        using var collector = new GroupCollector(_policy, inOrder, _objective, work, _reference);
        return collector.Collect(StepNumber + 1, log, CancellationToken.None);
    }

    private void Learn(GroupRollout rollout, int passes, StepLog log)
    {
        _policy.SetDropout(_options.DisableDropout ? null : _dropout);
        _policy.SetNoise(_options.NeftuneNoiseAlpha is { } alpha ? new EmbeddingNoise(alpha, _dropout) : null);
        _policy.train();
        try
        {
            using IDisposable records = enable_grad(); // whoever calls may have turned gradients off
            int number = 0;
            foreach (int[] step in Enumerable.Range(0, passes).Chunk(_options.GradientAccumulationSteps))
            {
                _gradients.Begin();
                double rate = LearningRate;
                double loss = _learning.Accumulate([.. step.Select(pass => (rollout, Rows(rollout, pass)))], _gradients, log);
                log.NoteUpdate(loss, _gradients.Update(loss), rate, _gradients.Scaler);
                _objective.EndStep();
                _reference?.Follow(_policy, StepNumber);
                _average?.Follow(StepNumber);
                log.EndStep(++number, epoch: 0);
            }
        }
        finally
        {
            _policy.eval();
            _policy.SetDropout(null);
            _policy.SetNoise(null);
        }
    }

    private int[] Rows(GroupRollout rollout, int pass) =>
        rollout.Rows(pass % _options.PassesPerGeneration, _options.PerDeviceTrainBatchSize);

    private static GroupOptions Usable(GroupOptions options)
    {
        Require.AtLeast(options.MaxSteps, 1, nameof(options.MaxSteps));
        bool samples = options.HasTurns || options.RolloutFunc is not null;
        if (samples || options.EvalStrategy != EvalStrategy.No || options.EvalOnStart || options.Callbacks.Count > 0)
            throw new NotSupportedException(
                "A GroupSession learns from completions that its caller has made; call functions and environments, and evaluate, in the "
                + "loop around it, and leave Tools, EnvironmentFactory, RolloutFunc, EvalStrategy, EvalOnStart and Callbacks as they are "
                + "by default.");
        if (options.Objective().NeedsGreedyRewards)
            throw new NotSupportedException(
                "A GroupSession is given the scores of completions, not of greedy ones, with which ReMax compares; use another "
                + "AdvantageEstimator.");
        int passes = options.PassesPerGeneration * options.NumIterations;
        return passes % options.GradientAccumulationSteps == 0 ? options : throw new ArgumentException(
            $"GradientAccumulationSteps ({options.GradientAccumulationSteps}) must divide the passes over a generation ({passes}), since a "
            + "step of a GroupSession makes whole updates.", nameof(options));
    }

    private sealed class GivenScores(IReadOnlyList<double?> scores) : IRolloutScorer
    {
        public RewardTable Score(RolloutTexts rollout, CancellationToken cancel) => new(["reward"], [scores]);
    }
}
