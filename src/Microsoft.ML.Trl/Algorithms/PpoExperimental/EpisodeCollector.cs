using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.PpoExperimental;

/// <summary>What a run answers, and who says how well.</summary>
/// <param name="Prompts">Token ids, at least one prompt.</param>
/// <param name="Scorer">Of the responses.</param>
/// <param name="Sample">Draws responses; null = from the policy, as the options say.</param>
/// <param name="Stop">Tells from a response's new tokens whether it has ended, for stop strings; null = only end tokens do.</param>
internal sealed record EpisodeWork(
    IReadOnlyList<int[]> Prompts, IRolloutScorer Scorer, Sampling? Sample = null, Func<IReadOnlyList<int>, bool>? Stop = null)
{
    /// <summary>What evaluations answer; null = nothing is evaluated.</summary>
    public ScoredPrompts? HeldOut { get; init; }
}

/// <summary>Answers prompts, has the responses scored, and finds out all that they are learnt from.</summary>
/// <param name="models">Only read.</param>
/// <param name="reference">Only read.</param>
/// <param name="options">Validated.</param>
/// <param name="work">What is answered.</param>
/// <param name="replay">Fixes what a recorded run decides otherwise.</param>
internal sealed class EpisodeCollector(
    PolicyAndValue models, CausalLanguageModel reference, ExperimentalPpoOptions options, EpisodeWork work, EpisodeReplay replay)
    : IDisposable
{
    private readonly CausalLanguageModel _policy = models.Policy;
    private readonly RolloutSampler _sampler = new(models.Policy, options.Seed);
    private readonly ResponseEnds _ends = new(models.Policy, options.Generation);

    // where no token ends a response, those of the model tell whether it has one
    private readonly IReadOnlyList<int> _endTokens =
        options.Generation.EosTokenIds is { Count: > 0 } given ? given : models.Policy.Config.EosTokenIds;

    /// <summary>The next episodes, in the current scope.</summary>
    /// <param name="step">Counted from 1.</param>
    /// <param name="prompts">Which prompts are answered.</param>
    /// <param name="samples">Completions that the log keeps, at most.</param>
    /// <param name="log">Told of figures and completions.</param>
    /// <param name="cancel">Looked at for every token.</param>
    public Episodes Collect(int step, int[] prompts, int samples, StepLog log, CancellationToken cancel)
    {
        int[][] queries = Array.ConvertAll(prompts, prompt => work.Prompts[prompt]);
        IReadOnlyList<int[]> responses = work.Sample is { } sample ? sample(queries, cancel) : Generate(queries, cancel);
        bool[][] masks = [.. responses.Select(Learned)];
        var batch = new RolloutBatch(queries, responses, masks);
        EpisodeEvaluation evaluation = Evaluate(batch, _sampler.Of(queries, responses));
        _sampler.Forget();
        double[] scores = Score(new RolloutTexts(step, prompts, queries, responses), samples, log, cancel);
        Episodes episodes = Episodes.Of(batch, evaluation, scores, options);
        log.NoteAll(episodes.Figures);
        log.Note("val/num_eos_tokens", responses.Sum(response => response.Count(_endTokens.Contains)));
        log.CountTokens(queries.Sum(query => (long)query.Length) + responses.Sum(response => (long)response.Length));
        return episodes;
    }

    /// <inheritdoc/>
    public void Dispose() => _sampler.Dispose();

    private IReadOnlyList<int[]> Generate(int[][] queries, CancellationToken cancel) => _sampler.Generate(
        _sampler.Batches(queries, options.Generation, options.LocalRolloutForwardBatchSize, null), work.Stop, cancel);

    private bool[] Learned(int[] response)
    {
        bool[] mask = [.. response.Select(_ => true)];
        mask[^1] = !replay.GoesPastEnd(response);
        return mask;
    }

    /// <summary>Scores, less the penalty of responses that were cut.</summary>
    private double[] Score(RolloutTexts texts, int samples, StepLog log, CancellationToken cancel)
    {
        RewardTable table = RewardScorer.Ask(work.Scorer, texts, cancel);
        double[] scores = [.. table.Complete(EpisodeLoop.Name, texts.Step)];
        foreach ((string name, double value) in table.Log.Metrics())
            log.Note(name, value);
        if (samples > 0)
            log.NoteCompletions(work.Scorer.Samples(texts, table, table.Columns[0], samples));
        if (options.MissingEosPenalty is { } penalty)
            for (int row = 0; row < scores.Length; row++)
                if (!IsComplete(texts.Queries[row], texts.Responses[row]))
                    scores[row] -= penalty;
        return scores;
    }

    private bool IsComplete(int[] query, int[] response) =>
        response.Any(_endTokens.Contains) || _ends.HasEnded(query, response);

    private EpisodeEvaluation Evaluate(RolloutBatch batch, SampledTokens? sampled)
    {
        using var frozen = no_grad();
        Tensor ours = sampled is null
            ? InParts(batch, part => models.LogProbs(_policy, part))
            : Sampled(batch, sampled);
        return new EpisodeEvaluation(ours, InParts(batch, part => models.LogProbs(reference, part)), InParts(batch, models.Values));
    }

    private Tensor Sampled(RolloutBatch batch, SampledTokens sampled)
    {
        using DisposeScope scope = NewDisposeScope();
        RolloutPart all = batch.Part([.. Enumerable.Range(0, batch.RowCount)], _policy.Device);
        return models.LogProbsOf(_policy, sampled.States, all.Labels).MoveToOuterDisposeScope();
    }

    /// <summary>Reads all rows, some at once: [N].</summary>
    private Tensor InParts(RolloutBatch batch, Func<RolloutPart, Tensor> read)
    {
        using DisposeScope scope = NewDisposeScope();
        IEnumerable<Tensor> parts = Enumerable.Range(0, batch.RowCount).Chunk(options.LocalRolloutForwardBatchSize).Select(rows =>
        {
            using DisposeScope part = NewDisposeScope();
            return read(batch.Part(rows, _policy.Device)).MoveToOuterDisposeScope();
        });
        return cat([.. parts], 0).MoveToOuterDisposeScope();
    }
}
