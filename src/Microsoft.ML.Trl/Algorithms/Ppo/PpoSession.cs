using System.Globalization;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl;

/// <summary>
/// PPO one step at a time, for those who write their own loop: <see cref="Generate"/> responses, score them in any way,
/// <see cref="Step"/>. The numbers are those of TRL v0.11.4's <c>PPOTrainer.step</c>.
/// </summary>
/// <remarks>
/// Dropout is off throughout, as in TRL, but for the critic's where <see cref="ValueHeadOptions.SummaryDropoutProb"/> asks for it. One
/// thread at a time. Between two calls only weights, the optimizer's state and a few numbers are alive.
/// </remarks>
public sealed class PpoSession : IDisposable
{
    private const double SuspiciousScore = 1e6; // usual ones have a few units

    private readonly CausalLanguageModel _policy, _reference;
    private readonly CausalLanguageModel? _ownReference;
    private readonly ValueHead? _ownValueHead;
    private readonly MemorySaving _memory; // which weights of the policy are trained, as long as the session lives
    private readonly Generator _dropout;
    private readonly PpoOptions _options;
    private readonly ScoreShaping _scoreShaping;
    private readonly PpoEvaluator _evaluator;
    private readonly PpoUpdate _update;
    private readonly RolloutLimits _limits;
    private readonly IKlController _klController;
    private readonly RolloutSampler _sampler;
    private readonly LearningRateSchedule _schedule;
    private readonly PpoReporter _reporter;
    private double? _givenRate;
    private bool _isDisposed;

    /// <summary>Starts a run. Weights of the policy and the value head change with every step; the reference never does.</summary>
    /// <param name="policy">What is trained: where an adapter that is to be trained is on, that alone. The caller keeps it.</param>
    /// <param name="options">Checked here. <see cref="TrainingOptions.Peft"/> puts an adapter beside a policy that has none.</param>
    /// <param name="valueHead">
    /// The critic, on the policy's hidden states; trained too. The caller keeps it. Null = a fresh one, which the session owns.
    /// </param>
    /// <param name="reference">
    /// What the KL is measured to. The caller keeps it. Null = a copy of the policy as it is now, which the session owns; it shares the
    /// layers of <see cref="PpoOptions.NumSharedLayers"/>, which are frozen in the policy as long as the session lives.
    /// </param>
    /// <exception cref="ArgumentException">
    /// An option is out of range, batch sizes do not divide, or the models do not fit together: vocabulary, width of the value head.
    /// </exception>
    /// <exception cref="InvalidOperationException">No weight of the policy is trained, or the options' optimizer failed.</exception>
    /// <exception cref="IOException">A folder for optimizer state or activations is not there, or its disk is full.</exception>
    /// <exception cref="ObjectDisposedException">A model was disposed.</exception>
    /// <exception cref="TrainingDivergedException">A weight is no finite number before the first step; the message names it.</exception>
    public PpoSession(CausalLanguageModel policy, PpoOptions options, ValueHead? valueHead = null, CausalLanguageModel? reference = null)
        : this(policy, options, valueHead, reference, null) { }

    internal PpoSession(
        CausalLanguageModel policy, PpoOptions options, ValueHead? valueHead, CausalLanguageModel? reference, PpoReplay? replay)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(options);
        _options = options.Validated();
        if (reference is not null && reference.Config.VocabularySize != policy.Config.VocabularySize)
            throw new ArgumentException(
                $"The reference has a vocabulary of {reference.Config.VocabularySize} tokens, "
                + $"the policy one of {policy.Config.VocabularySize}; both must read the same token ids.",
                nameof(reference));
        _options.Generation.CheckTokens(policy.Config.VocabularySize);
        valueHead?.CheckWidth(policy.Config);
        PpoModels.Check(policy, reference, options);
        PeftExtensions.Require(policy, options.Peft, options.Seed);
        policy.RequireTrainable("policy");
        FiniteWeights.Require("policy", policy.Everything());
        if (reference is not null)
            FiniteWeights.Require("reference", PpoModels.Readable(reference));
        if (valueHead is not null)
            FiniteWeights.Require("value head", valueHead.Weights());
        replay ??= PpoReplay.Seeded(options);
        _memory = MemorySaving.Begin(policy, options, () => policy.FreezeFirst(options.NumSharedLayers));
        _policy = policy;
        _reference = reference ?? (_ownReference = policy.CreateReferenceModel(options.ReferenceModel, options.NumSharedLayers));
        ValueHead = valueHead ?? (_ownValueHead = FreshCritic.Of(policy, options));
        _dropout = new Generator((uint)options.Seed);
        ValueHead.SetDropout(options.ValueHead.SummaryDropoutProb, _dropout);
        policy.eval();
        _reference.eval();
        ValueHead.eval();
        _scoreShaping = new ScoreShaping(options);
        _evaluator = new PpoEvaluator(policy, ValueHead, _reference, options, replay.HiddenStates);
        _schedule = LearningRateSchedule.Of(options, options.TotalSteps);
        _limits = new RolloutLimits(options.BatchSize, policy.Config.VocabularySize, policy.Config.ContextLength, policy.Layout);
        _klController = options.AdapKlCtrl
            ? new AdaptiveKlController(options.InitKlCoef, options.Target, options.Horizon)
            : new FixedKlController(options.InitKlCoef);
        _sampler = new RolloutSampler(policy, options.Seed);
        _reporter = new PpoReporter(options.TotalSteps);
        try
        {
            _update = new PpoUpdate(policy, ValueHead, options, options.TotalSteps, replay, _memory);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The critic. Owned by whoever made it.</summary>
    public ValueHead ValueHead { get; }

    /// <summary>Steps done.</summary>
    public int StepNumber { get; private set; }

    /// <summary>Price of KL that the next step uses, in units of the score per nat.</summary>
    public double KlCoefficient => _klController.Value;

    /// <summary>Rate that the next step uses: that of the options' schedule, until it is set.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is not a finite number above 0.</exception>
    public double LearningRate
    {
        get => _givenRate ?? _schedule.At(StepNumber);
        set
        {
            Require.Positive(value, nameof(LearningRate));
            _givenRate = value;
        }
    }

    /// <summary>What is trained. The caller's.</summary>
    internal CausalLanguageModel Policy => _policy;

    /// <summary>What steps may change: policy and critic.</summary>
    internal IEnumerable<Tensor> Weights => [.. _policy.parameters(), .. ValueHead.parameters()];

    /// <summary>What learns, with the figures of its last update.</summary>
    internal PpoUpdate Updates => _update;

    /// <summary>Samples a response to each query from the policy as it is now.</summary>
    /// <param name="queries">Token ids, each at least one; any number of rows, of any lengths.</param>
    /// <param name="options">How to sample; null = those of <see cref="PpoOptions.Generation"/>.</param>
    /// <param name="batchSize">
    /// Rows at once; at least 1. How rows are split decides which length they get, and nothing else.
    /// Null = <see cref="PpoOptions.GenerationBatchSize"/>.
    /// </param>
    /// <param name="lengthSampler">
    /// Draws the most new tokens of each batch, the n-th length for the n-th batch of the session. Null = that of
    /// <see cref="PpoOptions.LengthSampler"/>; where <paramref name="options"/> are given, none.
    /// </param>
    /// <param name="returnPrompt">Whether the result begins with the query; not for <see cref="Step"/>. TRL's default is true.</param>
    /// <param name="stop">Tells from a row's new tokens whether it has ended, for stop strings; null = only end tokens do.</param>
    /// <param name="cancel">Looked at for every token.</param>
    /// <returns>New tokens of each row, with end-of-text tokens. A function of weights, options, seed and rows sampled before.</returns>
    /// <exception cref="ArgumentException">A query cannot be answered, or an option is out of range.</exception>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    public IReadOnlyList<int[]> Generate(
        IReadOnlyList<int[]> queries,
        GenerationOptions? options = null,
        int? batchSize = null,
        LengthSampler? lengthSampler = null,
        bool returnPrompt = false,
        Func<IReadOnlyList<int>, bool>? stop = null,
        CancellationToken cancel = default)
    {
        IReadOnlyList<GenerationBatch> batches = Batches(queries, options, batchSize, lengthSampler);
        return Rows(queries, _sampler.Generate(batches, stop, cancel), returnPrompt);
    }

    /// <summary>
    /// Samples a response to each query from the policy, and one from the reference with the same random numbers and lengths: TRL's
    /// <c>generate_ref_response</c>. As long as the two models are equal, so are the responses.
    /// </summary>
    /// <returns>Those of the policy, as of <see cref="Generate"/>, and those of the reference.</returns>
    /// <inheritdoc cref="Generate"/>
    public (IReadOnlyList<int[]> Responses, IReadOnlyList<int[]> ReferenceResponses) GenerateWithReference(
        IReadOnlyList<int[]> queries,
        GenerationOptions? options = null,
        int? batchSize = null,
        LengthSampler? lengthSampler = null,
        bool returnPrompt = false,
        Func<IReadOnlyList<int>, bool>? stop = null,
        CancellationToken cancel = default)
    {
        IReadOnlyList<GenerationBatch> batches = Batches(queries, options, batchSize, lengthSampler);
        IReadOnlyList<int[]> ours = _sampler.Generate(batches, stop, cancel), theirs = batches.Generate(_reference, stop, cancel);
        return (Rows(queries, ours, returnPrompt), Rows(queries, theirs, returnPrompt));
    }

    /// <summary>Learns from one batch.</summary>
    /// <param name="queries">[BatchSize] token ids, each at least one.</param>
    /// <param name="responses">
    /// [BatchSize] token ids that followed, each at least one; best those of <see cref="Generate"/>, for which the policy is then not
    /// run again. Of an encoder-decoder without the start token; of several tokens the first does not count then, as in TRL.
    /// </param>
    /// <param name="scores">[BatchSize] finite; higher is better. The score goes to the last response token that counts.</param>
    /// <param name="responseMasks">[BatchSize] per response token, false where it does not count (a tool's words). Null = all do.</param>
    /// <returns>TRL's statistics.</returns>
    /// <exception cref="ArgumentException">A row cannot be learnt from; the message names it. Nothing has changed.</exception>
    /// <exception cref="TrainingDivergedException">
    /// Loss or gradient stopped being a number. Policy and critic have the weights that they had before the step.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The session was disposed.</exception>
    public PpoStatistics Step(
        IReadOnlyList<int[]> queries,
        IReadOnlyList<int[]> responses,
        IReadOnlyList<double> scores,
        IReadOnlyList<bool[]>? responseMasks = null)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        RolloutBatch batch = RolloutChecks.Check(queries, responses, scores, responseMasks, _limits);
        using var scope = NewDisposeScope();
        var clock = new StepClock();
        double[] shaped = _scoreShaping.Shape(scores);
        PpoEvaluation evaluation = _evaluator.Evaluate(batch, _sampler.Of(queries, responses));
        clock.Lap("forward_pass");
        Tensor rewards = PpoRollout.Rewards(batch, evaluation, shaped, KlCoefficient);
        clock.Lap("compute_rewards");
        PpoRollout rollout = PpoRollout.Estimate(batch, evaluation, rewards, _options);
        clock.Lap("compute_advantages");
        _sampler.Forget();
        _reporter.CountTokens(batch);
        IReadOnlyList<PpoMiniBatch> learned = Learn(batch, rollout, scores);
        clock.Lap("optimize_step");
        var recorder = new PpoRecorder(batch, rollout, learned);
        PpoStatistics statistics = recorder.Record(scores, shaped, KlCoefficient, LearningRate, _options.RatioThreshold);
        clock.Lap("calc_stats");
        _klController.Update(rollout.MeanKl, batch.RowCount);
        StepNumber++;
        return statistics with { Scalars = statistics.Scalars.Concat(clock.Finish()).ToDictionary() };
    }

    /// <summary>Reports the last step to whoever follows the training: TRL's <c>log_stats</c>.</summary>
    /// <param name="statistics">What <see cref="Step"/> returned.</param>
    /// <param name="progress">Told at once, such as <see cref="ConsoleProgress"/>.</param>
    /// <param name="queries">[BatchSize] texts of the queries, for <see cref="StepReport.Completions"/>; null = no texts.</param>
    /// <param name="responses">[BatchSize] texts of the responses; null = no texts.</param>
    /// <param name="rewards">[BatchSize] finite; <c>env/reward_*</c> are theirs. Null = the scores that the step learnt from.</param>
    /// <exception cref="ArgumentException">
    /// A list has not one entry per row, one of the two texts is missing, or the statistics are not those of a step.
    /// </exception>
    /// <exception cref="InvalidOperationException">There was no step yet.</exception>
    public void LogStats(
        PpoStatistics statistics,
        IProgress<StepReport> progress,
        IReadOnlyList<string>? queries = null,
        IReadOnlyList<string>? responses = null,
        IReadOnlyList<double>? rewards = null)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        ArgumentNullException.ThrowIfNull(progress);
        if (StepNumber == 0)
            throw new InvalidOperationException("The session has made no step that could be logged; call Step first.");
        rewards ??= PpoReporter.ScoresOf(statistics);
        PpoGame game = new PpoGame(queries, responses, rewards).Validated(_options.BatchSize);
        progress.Report(_reporter.Report(StepNumber, statistics, _update.GradientNorm, game));
    }

    private IReadOnlyList<PpoMiniBatch> Learn(RolloutBatch batch, PpoRollout rollout, IReadOnlyList<double> scores)
    {
        try
        {
            return _update.Run(batch, rollout, LearningRate);
        }
        catch (TrainingDivergedException cause) when (scores.MaxBy(Math.Abs) is var largest && Math.Abs(largest) > SuspiciousScore)
        {
            throw cause.Blaming(
                string.Create(CultureInfo.InvariantCulture, $"The largest score of the step is {largest:G6}, the likely cause: ")
                + "losses grow with its square. Scale the reward to a few units, or set ScoreClip.");
        }
    }

    /// <summary>Frees what the session made; frozen weights can be trained again, averaged ones have their averages from now on.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _update?.Dispose(); // null where the constructor failed
        _sampler.Dispose();
        ValueHead.SetDropout(0, null);
        _dropout.Dispose();
        _memory.Dispose();
        _ownReference?.Dispose();
        _ownValueHead?.Dispose();
    }

    /// <summary>Refuses prompts that cannot be answered, by row.</summary>
    internal void CheckPrompts(IReadOnlyList<int[]> prompts, IReadOnlyList<int[]>? heldOut) =>
        RolloutChecks.CheckPrompts(prompts, heldOut, _limits);

    private IReadOnlyList<GenerationBatch> Batches(
        IReadOnlyList<int[]> queries, GenerationOptions? options, int? batchSize, LengthSampler? lengthSampler)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        lengthSampler ??= options is null ? _options.LengthSampler : null;
        GenerationOptions how = (options ?? _options.Generation).ValidatedForRollouts();
        return _sampler.Batches(queries, how, batchSize ?? _options.GenerationBatchSize, lengthSampler);
    }

    private static IReadOnlyList<int[]> Rows(IReadOnlyList<int[]> queries, IReadOnlyList<int[]> responses, bool withPrompt) =>
        withPrompt ? [.. queries.Zip(responses, (query, response) => (int[])[.. query, .. response])] : responses;
}
