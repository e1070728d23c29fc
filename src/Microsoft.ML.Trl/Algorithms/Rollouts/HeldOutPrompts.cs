namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Prompts that are answered and scored, but not learnt from.</summary>
/// <param name="Prompts">Token ids, at least one prompt.</param>
/// <param name="Scorer">Says how good responses to them are.</param>
/// <param name="Weights">Of the rewards of the scorer.</param>
internal sealed record HeldOutPrompts(IReadOnlyList<int[]> Prompts, IRolloutScorer Scorer, IReadOnlyList<double> Weights);

/// <summary>Reads held-out prompts, and binds the rewards of a run to the data that they stand in.</summary>
internal sealed class HeldOutReader
{
    private readonly StageContext _stage;
    private readonly IDataView _data;
    private readonly PromptReader _prompts;
    private readonly RewardSet _rewards;

    private HeldOutReader(StageContext stage, IDataView data, PromptReader prompts, RewardSet rewards) =>
        (_stage, _data, _prompts, _rewards) = (stage, data, prompts, rewards);

    /// <summary>Finds the columns; null where nothing is evaluated.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="options">With the evaluation data.</param>
    /// <param name="promptColumnName">Text column with the prompts.</param>
    /// <param name="conversations">How they are read as conversations; null = as texts.</param>
    /// <param name="rewards">Of the run.</param>
    /// <exception cref="ArgumentException">A column is missing or of the wrong type.</exception>
    public static HeldOutReader? Open(
        StageContext stage, TrainingOptions options, string promptColumnName, ConversationOptions? conversations, RewardSet rewards) =>
        EvaluationRows.Open(options, data =>
        {
            var prompts = new PromptReader(data, promptColumnName, conversations);
            rewards.Check(stage.Ml, data.Schema);
            return new HeldOutReader(stage, data, prompts, rewards);
        });

    /// <summary>All prompts that can be answered.</summary>
    /// <param name="model">Answers them.</param>
    /// <param name="session">Warned of those that are left out.</param>
    /// <exception cref="ArgumentException">No row can be answered.</exception>
    public HeldOutPrompts Read(LanguageModel model, FitSession session)
    {
        IReadOnlyList<PromptRow> rows = EvaluationRows.Read(
            _prompts, (reader, counts) => reader.Read(model.Codec, counts, session.Cancel), session.Warn)!;
        RewardScorer scorer = _rewards.Bind(new RewardContext(_stage.Ml, _data, model.Tokenizer), model, rows);
        return new HeldOutPrompts([.. rows.Select(row => row.Prompt.Ids)], scorer, _rewards.Weights);
    }
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
}

/// <summary>
/// The mean reward of what a policy answers to held-out prompts, <c>reward</c>, and that of each reward function. Every answer has random
/// numbers of its own, the same in every evaluation, so that two policies differ by what they would say and not by luck; those of training
/// are not touched.
/// </summary>
/// <param name="policy">Only read.</param>
/// <param name="heldOut">What is answered.</param>
/// <param name="plan">How it is answered.</param>
/// <param name="cancel">Looked at for every token.</param>
internal sealed class HeldOutAnswers(CausalLanguageModel policy, HeldOutPrompts heldOut, AnswerPlan plan, CancellationToken cancel)
{
    private readonly List<SampleCompletion> _samples = [];

    /// <summary>Told of the answers, to measure more of them; null = nobody.</summary>
    public Action<IReadOnlyList<TokenExample>, IFigures>? Also { get; init; }

    /// <summary>The step that training makes next, for rewards and messages.</summary>
    public int NextStep { get; set; } = 1;

    /// <summary>What an evaluation measures.</summary>
    public HeldOutSet Measured() => new(heldOut.Prompts.Count, Answer) { Samples = TakeSamples };

    private void Answer(int[] numbers, IFigures figures)
    {
        int[] prompts = [.. numbers.SelectMany(number => Enumerable.Repeat(number, plan.Answers))];
        int[][] queries = Array.ConvertAll(prompts, prompt => heldOut.Prompts[prompt]);
        long first = ((long)plan.Seed << 32) + ((long)numbers[0] * plan.Answers);
        GenerationBatch[] batch = [new(queries, plan.Generation, [.. Enumerable.Range(0, queries.Length).Select(row => first + row)])];
        RolloutDraw draw = RolloutDraw.OfOneTurn(queries, batch.Generate(policy, plan.Stop, cancel));
        var rollout = new RolloutTexts(NextStep, prompts, queries, [.. draw.Completions.Select(row => row.Ids)]);
        RewardTable table = RewardScorer.Ask(heldOut.Scorer, rollout, cancel);
        double?[] sums = table.WeightedSums(heldOut.Weights);
        Note(figures, "reward", sums);
        foreach ((string name, IReadOnlyList<double?> scores) in table.Names.Zip(table.Columns))
            Note(figures, $"rewards/{name}/mean", scores);
        int room = plan.Samples - _samples.Count;
        if (room > 0)
            _samples.AddRange(heldOut.Scorer.Samples(rollout, table, sums, room));
        Also?.Invoke([.. draw.Completions.Select(row => row.Text)], figures);
    }

    /// <summary>The mean of the scores that there are.</summary>
    private static void Note(IFigures figures, string name, IReadOnlyList<double?> scores)
    {
        double[] known = [.. scores.OfType<double>()];
        if (known.Length > 0)
            figures.Note(name, known.Average(), known.Length);
    }

    private SampleCompletion[] TakeSamples()
    {
        SampleCompletion[] samples = [.. _samples];
        _samples.Clear();
        return samples;
    }
}
