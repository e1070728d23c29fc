namespace Microsoft.ML.Trl.Algorithms.Raft;

/// <summary>Who answers what, and who says how well.</summary>
/// <param name="Model">Trained in place.</param>
/// <param name="Prompts">At least one.</param>
/// <param name="Scorer">Of the completions.</param>
/// <param name="Weights">Of the rewards of the scorer.</param>
internal sealed record RaftWork(
    LanguageModel Model, IReadOnlyList<PromptRow> Prompts, IRolloutScorer Scorer, IReadOnlyList<double> Weights)
{
    /// <summary>What evaluations answer; null = nothing is evaluated.</summary>
    public ScoredPrompts? HeldOut { get; init; }
}

/// <summary>What an iteration learns from.</summary>
/// <param name="Texts">Prompts with completions, the selected ones.</param>
/// <param name="Readable">The same as text.</param>
/// <param name="MeanReward">Of all completions that a reward applies to.</param>
/// <param name="MeanSelected">Of the selected ones.</param>
internal sealed record RaftCollection(
    IReadOnlyList<TokenExample> Texts, IReadOnlyList<string> Readable, double MeanReward, double MeanSelected);

/// <summary>Answers prompts, has the answers scored and selects those that are learnt.</summary>
/// <param name="work">What is answered.</param>
/// <param name="options">Validated.</param>
internal sealed class RaftCollector(RaftWork work, RaftOptions options)
{
    private readonly TokenGenerator _generator = new(work.Model.Network) { Tokenizer = work.Model.Tokenizer };
    private readonly Func<IReadOnlyList<int>, bool> _stop = work.Model.StopRule(options.Generation);
    private readonly CompletionCleaner _cleaner = new(work.Model, options);
    private readonly LengthSampler _lengths = options.Lengths;
    private readonly Func<IReadOnlyList<double?>, int[]> _select = options.CollectionStrategy == CollectionStrategy.Local
        ? rewards => RaftSelection.Local(rewards, options.SamplesPerPrompt)
        : rewards => RaftSelection.Top(rewards, options.RaftBatchSize);
    private readonly PromptStream _stream = new(
        work.Prompts.Count, options.DataSeed ?? options.Seed, options.TrainSamplingStrategy != TrainSamplingStrategy.Sequential);
    private long _rows, _batches; // drawn so far

    /// <summary>The next collection.</summary>
    /// <param name="step">That asks for it, counted from 1.</param>
    /// <param name="log">Told of figures and completions.</param>
    /// <param name="cancel">Looked at for every token.</param>
    /// <exception cref="InvalidOperationException">No completion can be learnt.</exception>
    public RaftCollection Collect(int step, StepLog log, CancellationToken cancel)
    {
        int[] prompts = [.. _stream.Next(options.PromptsPerIteration).SelectMany(
            prompt => Enumerable.Repeat(prompt, options.SamplesPerPrompt))];
        int[][] responses = [.. Draw(prompts, cancel)];
        RaftSample[] samples = [.. prompts.Zip(responses, (prompt, response) => _cleaner.Clean(work.Prompts[prompt].Prompt, response))];
        var texts = new RolloutTexts(
            step, prompts, [.. samples.Select(sample => sample.Query)], [.. samples.Select(sample => sample.Response)]);
        RewardTable table = RewardScorer.Ask(work.Scorer, texts, cancel);
        double?[] rewards = table.WeightedSums(work.Weights);
        int[] selected = _select([.. rewards.Zip(samples, (reward, sample) => sample.IsUsable ? reward : null)]);
        if (selected.Length == 0)
            throw new InvalidOperationException(
                $"None of {samples.Length} completions can be learnt: {samples.Count(sample => !sample.IsUsable)} are too short "
                + $"(MinCompletionCharacters is {options.MinCompletionCharacters}) or hold a number sign where data mark turns with it "
                + "(TurnMarker), and to the others no reward applies. Train the policy with SFT first, or mend rewards or options.");
        var collection = new RaftCollection(
            [.. selected.Select(row => samples[row].Text)],
            [.. selected.Select(row => work.Prompts[prompts[row]].Prompt.Text + samples[row].Completion)],
            rewards.Average()!.Value, selected.Average(row => rewards[row]!.Value));
        log.NoteAll(Figures(samples, responses, table, rewards, collection));
        log.NoteLengths([.. responses.Select(response => response.Length)], [.. responses.Select(HasEnded)]);
        log.CountTokens(texts.Queries.Sum(query => (long)query.Length) + responses.Sum(response => (long)response.Length));
        log.NoteCompletions(work.Scorer.Samples(texts, table, rewards, options.NumCompletionsToPrint));
        return collection;
    }

    /// <summary>A completion of each prompt. All of a prompt have one limit of their length.</summary>
    private IEnumerable<int[]> Draw(int[] prompts, CancellationToken cancel)
    {
        int atOnce = Math.Max(1, options.InferenceBatchSizePerDevice / options.SamplesPerPrompt) * options.SamplesPerPrompt;
        foreach (int[] batch in prompts.Chunk(atOnce))
        {
            long first = ((long)options.Seed << 32) + _rows;
            int[][] queries = Array.ConvertAll(batch, prompt => work.Prompts[prompt].Prompt.Ids);
            GenerationOptions limited = options.Generation with { MaxNewTokens = _lengths.Sample(_batches++) };
            _rows += batch.Length;
            foreach (int[] response in _generator.Generate(
                queries, limited, [.. batch.Select((_, row) => first + row)], _stop, cancel: cancel).Tokens)
                yield return response;
        }
    }

    /// <summary>Whether a completion came to its end, rather than being cut at a limit.</summary>
    private bool HasEnded(int[] response) =>
        (options.Generation.EosTokenIds ?? work.Model.Network.Config.EosTokenIds).Contains(response[^1]) || _stop(response);

    private static Dictionary<string, float> Figures(
        RaftSample[] samples, int[][] responses, RewardTable table, double?[] rewards, RaftCollection collection)
    {
        Dictionary<string, float> figures = table.Metrics().ToDictionary(metric => metric.Key, metric => (float)metric.Value);
        figures["reward"] = (float)collection.MeanReward;
        figures["reward_selected"] = (float)collection.MeanSelected;
        double deviation = KnownScores.Deviation(rewards.Select(reward => reward ?? double.NaN));
        if (!double.IsNaN(deviation))
            figures["reward_std"] = (float)deviation;
        double distinct = WordRuns.Distinct(samples.Select(sample => sample.Completion), 2);
        if (!double.IsNaN(distinct))
            figures["distinct_2"] = (float)distinct;
        figures["data/completions"] = responses.Length;
        figures["data/selected"] = collection.Texts.Count;
        figures["data/unusable"] = samples.Count(sample => !sample.IsUsable);
        return figures;
    }
}
