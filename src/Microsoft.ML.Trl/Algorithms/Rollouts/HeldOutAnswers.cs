namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Prompts that are answered, and who scores the answers.</summary>
/// <param name="Prompts">Token ids, at least one prompt.</param>
/// <param name="Scorer">Says how good responses to them are.</param>
/// <param name="Weights">Of the rewards of the scorer.</param>
internal sealed record ScoredPrompts(IReadOnlyList<int[]> Prompts, IRolloutScorer Scorer, IReadOnlyList<double> Weights)
{
    /// <summary>How they are answered; null = in one turn, and as it is drawn.</summary>
    public IRollout? Rollout { get; init; }
}

/// <summary>How held-out prompts are answered.</summary>
/// <param name="Generation">As in training.</param>
/// <param name="Seed">Of the run.</param>
/// <param name="Samples">Completions that reports carry.</param>
/// <param name="Answers">Completions of each prompt.</param>
internal sealed record AnswerPlan(GenerationOptions Generation, int Seed, int Samples, int Answers = 1)
{
    /// <summary>Tells from a response's new tokens whether it has ended; null = only end tokens do.</summary>
    public Func<IReadOnlyList<int>, bool>? Stop { get; init; }

    /// <summary>Tells the bytes of tokens, for constraints; null = there are none.</summary>
    public TextTokenizer? Tokenizer { get; init; }
}

/// <summary>
/// The mean reward of what a policy answers to held-out prompts, <c>reward</c>, and that of each reward function. Every turn of an answer
/// has random numbers of its own, the same in every evaluation, so that two policies differ by what they would say and not by luck; those
/// of training are not touched.
/// </summary>
/// <param name="policy">Only read.</param>
/// <param name="heldOut">What is answered.</param>
/// <param name="plan">How it is answered.</param>
/// <param name="cancel">Looked at for every token.</param>
internal sealed class HeldOutAnswers(CausalLanguageModel policy, ScoredPrompts heldOut, AnswerPlan plan, CancellationToken cancel)
{
    private readonly TokenGenerator _generator = new(policy) { Tokenizer = plan.Tokenizer };
    private readonly HeldOutSamples _samples = new(plan.Samples);

    /// <summary>Told of the answers, to measure more of them; null = nobody.</summary>
    public Action<IReadOnlyList<DrawnCompletion>, IFigures>? Also { get; init; }

    /// <summary>The step that training makes next, for rewards and messages.</summary>
    public int NextStep { get; set; } = 1;

    /// <summary>What an evaluation measures.</summary>
    public HeldOutSet Measured() => new(heldOut.Prompts.Count, Answer) { Samples = _samples.Take };

    private void Answer(int[] numbers, IFigures figures)
    {
        int[] prompts = [.. numbers.SelectMany(number => Enumerable.Repeat(number, plan.Answers))];
        int[][] queries = Array.ConvertAll(prompts, prompt => heldOut.Prompts[prompt]);
        RolloutDraw draw = Draw(numbers[0], prompts, queries);
        var rollout = new RolloutTexts(
            NextStep, prompts, [.. draw.Completions.Select(row => row.Query)], [.. draw.Completions.Select(row => row.Ids)])
        {
            Turns = [.. draw.Completions.Select(row => row.Turns)],
        };
        RewardTable table = RewardScorer.Ask(heldOut.Scorer, rollout, cancel);
        double?[] sums = table.WeightedSums(heldOut.Weights);
        Note(figures, "reward", sums);
        foreach ((string name, IReadOnlyList<double?> scores) in table.Names.Zip(table.Columns))
            Note(figures, $"rewards/{name}/mean", scores);
        figures.NoteAll(draw.Figures, name => draw.Weights.GetValueOrDefault(name, prompts.Length));
        _samples.Add(room => heldOut.Scorer.Samples(rollout, table, sums, room));
        Also?.Invoke(draw.Completions, figures);
    }

    private RolloutDraw Draw(int first, int[] prompts, int[][] queries)
    {
        long stream = ((long)plan.Seed << 32) + ((long)first * plan.Answers);
        IReadOnlyList<int[]> Sample(IReadOnlyList<int[]> texts, IReadOnlyList<int> places, int most, CancellationToken stop)
        {
            long turn = stream;
            stream += (long)heldOut.Prompts.Count * plan.Answers; // the next turns come behind those of all answers
            return _generator.Generate(
                texts, plan.Generation.UpTo(most), [.. places.Select(place => turn + place)], plan.Stop, cancel: stop).Tokens;
        }
        return heldOut.Rollout?.Draw(new RolloutTask(NextStep, prompts, queries), Sample, cancel) ?? RolloutDraw.OfOneTurn(
            queries, Sample(queries, [.. Enumerable.Range(0, queries.Length)], plan.Generation.MaxNewTokens, cancel));
    }

    /// <summary>The mean of the scores that there are.</summary>
    private static void Note(IFigures figures, string name, IReadOnlyList<double?> scores)
    {
        double[] known = [.. scores.OfType<double>()];
        if (known.Length > 0)
            figures.Note(name, known.Average(), known.Length);
    }
}
