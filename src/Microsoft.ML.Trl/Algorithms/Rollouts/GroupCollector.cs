using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Draws completions: to queries as they are, one each.</summary>
internal delegate IReadOnlyList<int[]> Sampling(IReadOnlyList<int[]> queries, CancellationToken cancel);

/// <summary>What a run answers, and who says how well.</summary>
/// <param name="Prompts">Token ids, at least one prompt.</param>
/// <param name="Scorer">Of the completions.</param>
/// <param name="Weights">Of the rewards of the scorer.</param>
/// <param name="Sample">Draws completions; null = from the policy, as the options say.</param>
internal sealed record GroupWork(
    IReadOnlyList<int[]> Prompts, IRolloutScorer Scorer, IReadOnlyList<double> Weights, Sampling? Sample = null)
{
    /// <summary>Tells from a response's new tokens whether it has ended, for stop strings; null = only end tokens do.</summary>
    public Func<IReadOnlyList<int>, bool>? Stop { get; init; }

    /// <summary>Most tokens of prompt and completion, where another model reads them too; null = as many as the policy writes.</summary>
    public int? MaxLength { get; init; }

    /// <summary>What evaluations answer; null = nothing is evaluated.</summary>
    public ScoredPrompts? HeldOut { get; init; }

    /// <summary>How prompts are answered; null = in one turn.</summary>
    public IRollout? Rollout { get; init; }

    /// <summary>The states [n, H] of a model that predict the tokens of a batch; null = as it reads the batch itself.</summary>
    public Func<CausalLanguageModel, TokenBatch, Tensor>? Hidden { get; init; }
}

/// <summary>Answers prompts several times each, has the completions scored, and finds out all that they are learnt from.</summary>
internal sealed class GroupCollector : IDisposable
{
    private readonly CausalLanguageModel _policy;
    private readonly GroupOptions _options;
    private readonly IGroupObjective _objective;
    private readonly GroupPlan _plan;
    private readonly GroupWork _work;
    private readonly HeldModel? _reference;
    private readonly RolloutSampler _sampler;
    private readonly ResponseEnds _ends;
    private readonly PromptStream _stream;
    private readonly Random _rng;

    /// <param name="policy">Only read.</param>
    /// <param name="options">Validated.</param>
    /// <param name="objective">Of the method.</param>
    /// <param name="work">What is answered.</param>
    /// <param name="reference">What the policy is held against; null = nothing is.</param>
    public GroupCollector(
        CausalLanguageModel policy, GroupOptions options, IGroupObjective objective, GroupWork work, HeldModel? reference)
    {
        (_policy, _options, _objective, _work, _reference) = (policy, options, objective, work, reference);
        _plan = new GroupPlan(work.Prompts.Count, options);
        _sampler = new RolloutSampler(policy, options.Seed);
        _ends = new ResponseEnds(policy, options.Generation);
        int seed = options.DataSeed ?? options.Seed;
        _stream = new PromptStream(work.Prompts.Count, seed, options.TrainSamplingStrategy != TrainSamplingStrategy.Sequential);
        _rng = new Random(seed);
    }

    /// <summary>The next generation.</summary>
    /// <param name="step">That needs it, counted from 1.</param>
    /// <param name="log">Told of figures and completions.</param>
    /// <param name="cancel">Looked at for every token.</param>
    public GroupRollout Collect(int step, StepLog log, CancellationToken cancel)
    {
        int[] prompts =
            [.. _stream.Next(_plan.PromptsPerGeneration).SelectMany(prompt => Enumerable.Repeat(prompt, _options.NumGenerations))];
        int[][] queries = Array.ConvertAll(prompts, prompt => _work.Prompts[prompt]);
        RolloutDraw draw = _work.Rollout?.Draw(
                new RolloutTask(step, prompts, queries), (texts, _, most, stop) => Sample(texts, most, stop), cancel)
            ?? RolloutDraw.OfOneTurn(queries, Sample(queries, _options.Generation.MaxNewTokens, cancel));
        IReadOnlyList<DrawnCompletion> drawn =
            _work.MaxLength is { } most ? [.. draw.Completions.Select(row => row.Within(most))] : draw.Completions;
        bool[] hasEnded = [.. drawn.Select(row => _ends.HasEnded(row.Query, row.Ids))];
        var rollout = new GroupRollout([.. drawn.Select((completion, row) => Text(completion, hasEnded[row]))]);
        float[]? old = OldLogProbs(rollout, drawn);
        _sampler.Forget();
        float[]? theirs = _reference is { } held
            ? rollout.LogProbsUnder(held.Network, _options, _work) : null;
        var texts = new RolloutTexts(step, prompts, [.. drawn.Select(row => row.Query)], [.. drawn.Select(row => row.Ids)])
        {
            Turns = [.. drawn.Select(row => row.Turns)],
        };
        RewardTable table = RewardScorer.Ask(_work.Scorer, texts, cancel);
        double[][]? apart = old is null || theirs is null
            ? null : rollout.PerRow([.. old.Zip(theirs, (ours, reference) => (double)ours - reference)]);
        GroupJudgement judged = _objective.Judge(new GroupScores(table, _work.Weights, _options.NumGenerations)
        {
            Kl = apart?.Select(tokens => tokens.Sum()).ToArray(),
            LogRatios = apart,
            Lengths = [.. rollout.Texts.Select(text => text.LearnedTokens())],
            GreedyRewards = _objective.NeedsGreedyRewards ? GreedyRewards(step, prompts, cancel) : null,
            Tokens = rollout.TokenCount(Enumerable.Range(0, queries.Length)),
        });
        log.NoteAll(judged.Figures);
        log.NoteAll(draw.Figures);
        log.NoteLengths([.. drawn.Select(row => row.OwnTokens)], hasEnded);
        log.CountTokens(drawn.Sum(row => (long)row.Query.Length + row.OwnTokens));
        log.NoteCompletions(Samples(texts, table, judged));
        return rollout with
        {
            Order = _options.PassesPerGeneration == 1 ? rollout.Order : PromptStream.Shuffled(queries.Length, _rng),
            Advantages = judged.Advantages,
            TokenAdvantages = judged.TokenAdvantages,
            OldLogProbs = old,
            ReferenceLogProbs = theirs,
        };
    }

    /// <inheritdoc/>
    public void Dispose() => _sampler.Dispose();

    /// <summary>What the likeliest completion of each prompt is worth, once for each of its completions.</summary>
    private double[] GreedyRewards(int step, int[] prompts, CancellationToken cancel)
    {
        int[] asked = [.. prompts.Where((_, row) => row % _options.NumGenerations == 0)];
        int[][] queries = Array.ConvertAll(asked, prompt => _work.Prompts[prompt]);
        GenerationOptions greedy = _options.Generation with { DoSample = false };
        GenerationBatch[] batch = [new GenerationBatch(queries, greedy, new long[queries.Length])];
        var texts = new RolloutTexts(step, asked, queries, batch.Generate(_policy, _work.Stop, cancel));
        return [.. RewardScorer.Ask(_work.Scorer, texts, cancel).WeightedSums(_work.Weights)
            .SelectMany(sum => Enumerable.Repeat(sum ?? double.NaN, _options.NumGenerations))];
    }

    private IReadOnlyList<int[]> Sample(IReadOnlyList<int[]> texts, int most, CancellationToken cancel)
    {
        if (_work.Sample is { } sample)
            return sample(texts, cancel);
        return _sampler.Generate(_sampler.Batches(texts, _options.Generation.UpTo(most), null, null), _work.Stop, cancel);
    }

    /// <summary>A completion as it is learnt: what the policy wrote of it, or nothing where it was cut and such are left out.</summary>
    private TokenExample Text(DrawnCompletion completion, bool hasEnded)
    {
        TokenExample text = completion.Text;
        return !hasEnded && _options.MaskTruncatedCompletions ? text with { Learned = new bool[text.Ids.Length] } : text;
    }

    private float[]? OldLogProbs(GroupRollout rollout, IReadOnlyList<DrawnCompletion> drawn)
    {
        if (!_plan.LearnsFromOlderCompletions && !_objective.NeedsOldLogProbs)
            return null;
        using IDisposable frozen = no_grad();
        using DisposeScope scope = NewDisposeScope();
        if (!_options.MaskTruncatedCompletions && drawn.All(row => row.Own is null)
            && _sampler.Of([.. drawn.Select(row => row.Query)], [.. drawn.Select(row => row.Ids)]) is { } sampled)
        {
            double temperature = _options.Generation.Temperature;
            Tensor labels = tensor([.. drawn.SelectMany(row => row.Ids.Select(id => (long)id))], device: _policy.Device);
            Tensor logProbs = temperature == 1 ? sampled.LogProbs
                : LogProbs.OfHidden(sampled.States, _policy.Head with { Temperature = temperature }, labels);
            return logProbs.cpu().data<float>().ToArray();
        }
        bool training = _policy.training;
        _policy.eval();
        float[] ours = rollout.LogProbsUnder(_policy, _options, _work);
        _policy.train(training);
        return ours;
    }

    private IReadOnlyList<SampleCompletion> Samples(RolloutTexts texts, RewardTable table, GroupJudgement judged)
    {
        IReadOnlyList<SampleCompletion> samples =
            _work.Scorer.Samples(texts, table, table.WeightedSums(_work.Weights), _options.NumCompletionsToPrint);
        return [.. samples.Select((sample, row) => sample with { Advantage = judged.Advantages[row] })];
    }
}
