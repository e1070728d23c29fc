using Microsoft.ML.Trl.Generation;
using Microsoft.ML.Trl.Text;

namespace Microsoft.ML.Trl;

/// <summary>
/// Samples several completions of each prompt and keeps the best: TRL's <c>BestOfNSampler</c>. The simplest way to use a reward without
/// training, and the baseline that trained policies are held against.
/// </summary>
/// <remarks>
/// What a prompt gets is a function of the models, the options and that prompt alone. Its first sample is what
/// <see cref="LanguageModel.Complete(string, GenerationOptions?, CancellationToken)"/> gives, and the samples of a larger
/// <c>sampleSize</c> begin with those of a smaller one.
/// </remarks>
public sealed class BestOfNSampler
{
    private readonly LanguageModel _model;
    private readonly Func<IReadOnlyList<string>, IReadOnlyList<Answer>, IReadOnlyList<double>> _score;
    private readonly LengthSampler? _lengthSampler;
    private readonly int _sampleSize, _nCandidates;

    /// <summary>A sampler that asks a function.</summary>
    /// <param name="model">The caller keeps it alive.</param>
    /// <param name="queriesToScores">
    /// Given prompts and completions of equal number, returns one finite score per completion; higher is better. Called once per
    /// <see cref="Generate(IReadOnlyList{string}, GenerationOptions?, CancellationToken)"/>, with all samples of all prompts.
    /// </param>
    /// <param name="lengthSampler">
    /// Draws the most new tokens of each prompt's samples, in the place of <see cref="GenerationOptions.MaxNewTokens"/>. Null = none.
    /// </param>
    /// <param name="sampleSize">Completions that are sampled for each prompt. At least 1.</param>
    /// <param name="nCandidates">Completions that are kept of each prompt, from 1 to <paramref name="sampleSize"/>.</param>
    /// <exception cref="ArgumentException">A number is out of range.</exception>
    public BestOfNSampler(
        LanguageModel model,
        Func<IReadOnlyList<string>, IReadOnlyList<string>, IReadOnlyList<double>> queriesToScores,
        LengthSampler? lengthSampler = null,
        int sampleSize = 4,
        int nCandidates = 1)
        : this(model, Scores(queriesToScores), lengthSampler, sampleSize, nCandidates) { }

    /// <summary>A sampler that asks a reward model.</summary>
    /// <param name="model">The caller keeps it alive.</param>
    /// <param name="rewardModel">The caller keeps it alive.</param>
    /// <param name="lengthSampler">As in the other constructor.</param>
    /// <param name="sampleSize">As there.</param>
    /// <param name="nCandidates">As there.</param>
    /// <exception cref="ArgumentException">A number is out of range.</exception>
    public BestOfNSampler(
        LanguageModel model, TextRewardModel rewardModel, LengthSampler? lengthSampler = null, int sampleSize = 4, int nCandidates = 1)
        : this(model, Scores(model, rewardModel), lengthSampler, sampleSize, nCandidates) { }

    private BestOfNSampler(
        LanguageModel model,
        Func<IReadOnlyList<string>, IReadOnlyList<Answer>, IReadOnlyList<double>> score,
        LengthSampler? lengthSampler,
        int sampleSize,
        int nCandidates)
    {
        ArgumentNullException.ThrowIfNull(model);
        Require.AtLeast(sampleSize, 1);
        Require.AtLeast(nCandidates, 1);
        if (nCandidates > sampleSize)
            throw new ArgumentException(
                $"nCandidates ({nCandidates}) must not be more than sampleSize ({sampleSize}): only what was sampled can be kept.",
                nameof(nCandidates));
        (_model, _score, _lengthSampler) = (model, score, lengthSampler);
        (_sampleSize, _nCandidates) = (sampleSize, nCandidates);
    }

    /// <summary>A sampler that asks anything about answers.</summary>
    internal static BestOfNSampler Of(
        LanguageModel model, Func<IReadOnlyList<string>, IReadOnlyList<Answer>, IReadOnlyList<double>> score, LengthSampler? lengthSampler,
        int sampleSize, int nCandidates) => new(model, score, lengthSampler, sampleSize, nCandidates);

    /// <summary>
    /// How far the best of n samples may lie from the policy, in nats: <c>log n - (n - 1) / n</c>. The KL divergence to the policy of what
    /// is written so is this much at most (arXiv:2401.01879, Theorem 1): what a trained policy of the same KL is to be held against.
    /// </summary>
    /// <param name="sampleSize">n, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is below 1.</exception>
    public static double KlBound(int sampleSize)
    {
        Require.AtLeast(sampleSize, 1);
        return Math.Log(sampleSize) - ((sampleSize - 1.0) / sampleSize);
    }

    /// <summary>The best completions of one prompt.</summary>
    /// <inheritdoc cref="Generate(IReadOnlyList{string}, GenerationOptions?, CancellationToken)"/>
    public IReadOnlyList<ScoredCompletion> Generate(
        string prompt, GenerationOptions? options = null, CancellationToken cancel = default) => Generate([prompt], options, cancel)[0];

    /// <summary>The best completions of each prompt.</summary>
    /// <param name="prompts">Not empty, each shorter than the model's context.</param>
    /// <param name="options">How to sample; null = <see cref="LanguageModel.Generation"/>. Another seed gives other samples.</param>
    /// <param name="cancel">Looked at once per token.</param>
    /// <returns>For each prompt its candidates, the best first; of equal scores, the one sampled first.</returns>
    /// <exception cref="ArgumentException">A prompt is empty or too long, or options contradict each other.</exception>
    /// <exception cref="InvalidOperationException">The scores are not one finite number per completion.</exception>
    public IReadOnlyList<IReadOnlyList<ScoredCompletion>> Generate(
        IReadOnlyList<string> prompts, GenerationOptions? options = null, CancellationToken cancel = default) =>
        GenerateWithMetrics(prompts, options, cancel).Candidates;

    /// <summary>The same, and what choosing the best was worth.</summary>
    /// <param name="prompts">Not empty, each shorter than the model's context.</param>
    /// <param name="options">How to sample; null = <see cref="LanguageModel.Generation"/>. Another seed gives other samples.</param>
    /// <param name="cancel">Looked at once per token.</param>
    /// <inheritdoc cref="Generate(IReadOnlyList{string}, GenerationOptions?, CancellationToken)" path="/exception"/>
    public BestOfNResult GenerateWithMetrics(
        IReadOnlyList<string> prompts, GenerationOptions? options = null, CancellationToken cancel = default)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        options = (options ?? _model.Generation).ValidatedForOne("BestOfNSampler (sampleSize says how many)");
        if (!options.DoSample && _sampleSize > 1)
            throw new ArgumentException(
                $"DoSample is false: all {_sampleSize} samples of a prompt would be the same text. "
                + "Set DoSample to true, or sampleSize to 1.",
                nameof(options));
        Answer[] answers = Sample(prompts, options, cancel);
        IReadOnlyList<double> scores = Score([.. prompts.SelectMany(prompt => Enumerable.Repeat(prompt, _sampleSize))], answers);
        IEnumerable<ScoredCompletion> scored = answers.Zip(scores, (answer, score) => new ScoredCompletion(answer.Text, score));
        ScoredCompletion[][] groups = [.. scored.Chunk(_sampleSize)];
        return new BestOfNResult([.. groups.Select(Best)], Metrics(groups));
    }

    private Dictionary<string, double> Metrics(ScoredCompletion[][] groups)
    {
        if (groups.Length == 0)
            return [];
        double mean = groups.Average(samples => samples.Average(sample => sample.Score));
        double best = groups.Average(samples => samples.Max(sample => sample.Score));
        return new Dictionary<string, double>
        {
            ["best_of_n/mean"] = mean,
            ["best_of_n/best"] = best,
            ["best_of_n/gain"] = best - mean,
            ["best_of_n/kl_bound"] = KlBound(_sampleSize),
        };
    }

    private ScoredCompletion[] Best(ScoredCompletion[] samples) =>
        [.. samples.OrderByDescending(sample => sample.Score).Take(_nCandidates)];

    /// <summary>All samples of the first prompt, then all of the second, and so on. Prompts of equal limits are sampled together.</summary>
    private Answer[] Sample(IReadOnlyList<string> prompts, GenerationOptions options, CancellationToken cancel)
    {
        int[][] ids = [.. prompts.Select(_model.Tokens)];
        var answers = new Answer[prompts.Count * _sampleSize];
        foreach (var group in Enumerable.Range(0, prompts.Count).GroupBy(row => Limited(options, prompts[row])))
        {
            (int Row, int Number)[] samples = [.. group.SelectMany(_ => Enumerable.Range(0, _sampleSize), (row, number) => (row, number))];
            IReadOnlyList<Answer> some = _model.Answer(
                Array.ConvertAll(samples, sample => ids[sample.Row]),
                Array.ConvertAll(samples, sample => PromptSeed.OfSample(prompts[sample.Row], sample.Number)),
                group.Key,
                cancel);
            foreach (((int row, int number), Answer answer) in samples.Zip(some))
                answers[(row * _sampleSize) + number] = answer;
        }
        return answers;
    }

    private GenerationOptions Limited(GenerationOptions options, string prompt) =>
        _lengthSampler?.Limit(options, PromptSeed.Of(prompt)) ?? options;

    private IReadOnlyList<double> Score(string[] prompts, Answer[] answers)
    {
        if (prompts.Length == 0)
            return [];
        IReadOnlyList<double> scores = _score(prompts, answers);
        if (scores is null || scores.Count != answers.Length)
            throw new InvalidOperationException(
                $"queriesToScores gave {(scores is null ? "null" : $"{scores.Count} scores")} for {answers.Length} completions; "
                + "it must give one for each.");
        for (int row = 0; row < answers.Length; row++)
            if (!double.IsFinite(scores[row]))
                throw new InvalidOperationException(FormattableString.Invariant(
                    $"queriesToScores gave {scores[row]} for sample {row % _sampleSize} of prompt {row / _sampleSize}; ")
                    + "scores must be finite numbers.");
        return scores;
    }

    private static Func<IReadOnlyList<string>, IReadOnlyList<Answer>, IReadOnlyList<double>> Scores(
        Func<IReadOnlyList<string>, IReadOnlyList<string>, IReadOnlyList<double>> queriesToScores)
    {
        ArgumentNullException.ThrowIfNull(queriesToScores);
        return (prompts, answers) => queriesToScores(prompts, [.. answers.Select(answer => answer.Text)]);
    }

    private static RowPrompt[] Texts(IReadOnlyList<string> prompts, IReadOnlyList<Answer> answers) =>
        [.. prompts.Zip(answers, (text, answer) => new RowPrompt(text, TemplateCells.None, text, answer.Prompt, IsConversation: false))];

    private static Func<IReadOnlyList<string>, IReadOnlyList<Answer>, IReadOnlyList<double>> Scores(
        LanguageModel model, TextRewardModel rewardModel)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(rewardModel);
        return (prompts, answers) =>
            Array.ConvertAll(AnswerScorer.Score(rewardModel, model.Tokenizer, Texts(prompts, answers), answers), score => (double)score);
    }
}
