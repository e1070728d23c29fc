using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl;

/// <summary>
/// PPO one step at a time, for those who write their own loop: <see cref="Generate"/> responses, score them in any way,
/// <see cref="Step"/>. The numbers are those of TRL v0.11.4's <c>PPOTrainer.step</c>.
/// </summary>
/// <remarks>Dropout is off throughout, as in TRL. One thread at a time. Between two calls only weights, the optimizer's memory and a few numbers are alive.</remarks>
public sealed class PpoSession : IDisposable
{
    private readonly CausalLanguageModel _policy;
    private readonly CausalLanguageModel? _ownReference;
    private readonly ValueHead? _ownValueHead;
    private readonly PpoOptions _options;
    private readonly PpoScores _scores;
    private readonly PpoCollector _collector;
    private readonly PpoUpdate _update;
    private readonly PpoLimits _limits;
    private readonly IKlController _kl;
    private readonly PpoSamples _samples;

    /// <summary>Starts a run. Weights of the policy and the value head change with every step; the reference never does.</summary>
    /// <param name="policy">What is trained. The caller keeps it.</param>
    /// <param name="options">Checked here.</param>
    /// <param name="valueHead">The critic, on the policy's hidden states; trained too. The caller keeps it. Null = a fresh one, which the session owns.</param>
    /// <param name="reference">What the KL is measured to. The caller keeps it. Null = a copy of the policy as it is now, which the session owns.</param>
    /// <exception cref="ArgumentException">An option is out of its range, batch sizes do not divide, or policy and reference differ in vocabulary.</exception>
    public PpoSession(CausalLanguageModel policy, PpoOptions options, ValueHead? valueHead = null, CausalLanguageModel? reference = null)
        : this(policy, options, valueHead, reference, null)
    {
    }

    internal PpoSession(CausalLanguageModel policy, PpoOptions options, ValueHead? valueHead, CausalLanguageModel? reference, PpoHooks? hooks)
    {
        ArgumentNullException.ThrowIfNull(policy);
        ArgumentNullException.ThrowIfNull(options);
        _options = options.Validated();
        if (reference is not null && reference.Config.VocabularySize != policy.Config.VocabularySize)
            throw new ArgumentException($"The reference has a vocabulary of {reference.Config.VocabularySize} tokens, the policy one of {policy.Config.VocabularySize}; both must read the same token ids.", nameof(reference));
        hooks ??= PpoHooks.Seeded(options.Seed);
        _policy = policy;
        ValueHead = valueHead ?? (_ownValueHead = FreshHead(policy, options.Seed));
        CausalLanguageModel theirs = reference ?? (_ownReference = policy.Copy());
        _policy.eval();
        theirs.eval();
        ValueHead.eval();
        _scores = new PpoScores(options);
        _collector = new PpoCollector(policy, ValueHead, theirs, options, hooks);
        _update = new PpoUpdate(policy, ValueHead, options, hooks);
        _limits = new PpoLimits(options.BatchSize, policy.Config.VocabularySize, policy.Config.ContextLength);
        _kl = options.AdapKlCtrl
            ? new AdaptiveKlController(options.InitKlCoef, options.Target, options.Horizon)
            : new FixedKlController(options.InitKlCoef);
        _samples = new PpoSamples(policy, options.Seed);
    }

    /// <summary>The critic. Owned by whoever made it.</summary>
    public ValueHead ValueHead { get; }

    /// <summary>Steps done.</summary>
    public int StepNumber { get; private set; }

    /// <summary>Price of KL that the next step uses, in units of the score per nat.</summary>
    public double KlCoefficient => _kl.Value;

    /// <summary>Rate that the next step uses. Starts as the option; set it between steps to follow a schedule.</summary>
    public double LearningRate
    {
        get => _update.LearningRate;
        set
        {
            Require.Positive(value, nameof(LearningRate));
            _update.LearningRate = value;
        }
    }

    /// <summary>Samples a response to each query from the policy as it is now.</summary>
    /// <param name="queries">Token ids, each at least one; any number of rows, of any lengths.</param>
    /// <param name="options">How to sample; null = those of <see cref="PpoOptions.Generation"/>.</param>
    /// <param name="stop">Tells from a row's new tokens whether it has ended, for stop strings; null = only end tokens do.</param>
    /// <param name="cancel">Looked at for every token.</param>
    /// <returns>New tokens of each row, an end-of-text token included. A function of weights, options, seed and how many rows were sampled before.</returns>
    public IReadOnlyList<int[]> Generate(
        IReadOnlyList<int[]> queries, GenerationOptions? options = null, Func<IReadOnlyList<int>, bool>? stop = null, CancellationToken cancel = default)
        => _samples.Generate(queries, (options ?? _options.Generation).Validated(), stop, cancel);

    /// <summary>Learns from one batch.</summary>
    /// <param name="queries">[BatchSize] token ids, each at least one.</param>
    /// <param name="responses">[BatchSize] token ids that followed, each at least one; best those of <see cref="Generate"/>, for which the policy is then not run again.</param>
    /// <param name="scores">[BatchSize] finite; higher is better. The score goes to the last response token that counts.</param>
    /// <param name="responseMasks">[BatchSize] per response token, false where it shall not count (the words of a tool, say). Null = all count.</param>
    /// <returns>TRL's statistics.</returns>
    /// <exception cref="ArgumentException">A row cannot be learnt from; the message names it. Nothing has changed.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient stopped being a number; the update that would have used it was not made.</exception>
    public PpoStatistics Step(IReadOnlyList<int[]> queries, IReadOnlyList<int[]> responses, IReadOnlyList<double> scores, IReadOnlyList<bool[]>? responseMasks = null)
    {
        PpoBatch batch = PpoInputs.Check(queries, responses, scores, responseMasks, _limits);
        var clock = new PpoClock();
        using var scope = NewDisposeScope();
        double[] shaped = _scores.Shape(scores);
        PpoSampled? sampled = _samples.Of(queries, responses);
        PpoRollout rollout = _collector.Collect(batch, shaped, _kl.Value, sampled, clock);
        _samples.Forget();
        List<(int[], PpoTerms)> learnt = _update.Run(batch, rollout);
        clock.Lap("time/ppo/optimize_step");
        var facts = new PpoStepFacts(scores, shaped, _kl.Value, LearningRate, learnt);
        PpoStatistics statistics = PpoRecorder.Record(_options, batch, rollout, facts);
        clock.Lap("time/ppo/calc_stats");
        clock.Total("time/ppo/total");
        _kl.Update(statistics["objective/kl"], batch.RowCount);
        StepNumber++;
        return statistics with { Scalars = statistics.Scalars.Concat(clock.Seconds).ToDictionary() };
    }

    /// <summary>Frees the optimizer's memory and what the session made itself.</summary>
    public void Dispose()
    {
        _update.Dispose();
        _ownReference?.Dispose();
        _ownValueHead?.Dispose();
    }

    /// <summary>Refuses prompts that cannot be answered, by row.</summary>
    internal void CheckPrompts(IReadOnlyList<int[]> prompts) => PpoInputs.CheckPrompts(prompts, _limits);

    private static ValueHead FreshHead(CausalLanguageModel policy, int seed)
    {
        ValueHead head = ValueHead.Create(policy.Config.HiddenSize, seed);
        head.to(policy.Device);
        return head;
    }
}
