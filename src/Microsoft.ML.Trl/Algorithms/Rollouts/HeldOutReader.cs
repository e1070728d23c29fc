namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>What a stage does with held-out prompts besides answering them in one turn.</summary>
internal sealed record HeldOutReading
{
    /// <summary>Leaves prompts out, and counts them; null = none.</summary>
    public Func<List<PromptRow>, RowCounts, List<PromptRow>>? Keep { get; init; }

    /// <summary>Functions that the prompts tell of, in JSON; null = what their rows have.</summary>
    public string? Tools { get; init; }

    /// <summary>How prompts of data are answered; null = in one turn.</summary>
    public Func<IReadOnlyList<PromptRow>, IDataView, IRollout?>? Rollout { get; init; }
}

/// <summary>Reads held-out prompts, and binds the rewards of a run to the data that they stand in.</summary>
internal sealed class HeldOutReader
{
    private readonly StageContext _stage;
    private readonly IDataView _data;
    private readonly Func<string?, PromptReader> _prompts;
    private readonly RewardSet _rewards;

    private HeldOutReader(StageContext stage, IDataView data, Func<string?, PromptReader> prompts, RewardSet rewards) =>
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
            PromptReader Prompts(string? tools) => new(data, promptColumnName, conversations) { Tools = tools };
            _ = Prompts(null);
            rewards.Check(stage.Ml, data.Schema);
            return new HeldOutReader(stage, data, Prompts, rewards);
        });

    /// <summary>All prompts that can be answered.</summary>
    /// <param name="model">Answers them.</param>
    /// <param name="session">Warned of those that are left out.</param>
    /// <param name="how">What else is done; null = nothing.</param>
    /// <exception cref="ArgumentException">No row can be answered.</exception>
    public HeldOutPrompts Read(LanguageModel model, FitSession session, HeldOutReading? how = null)
    {
        IReadOnlyList<PromptRow> rows = EvaluationRows.Read(_prompts(how?.Tools), (reader, counts) =>
        {
            List<PromptRow> read = reader.Read(model.Codec, counts, session.Cancel);
            return how?.Keep is { } keep ? keep(read, counts) : read;
        }, session.Warn)!;
        RewardScorer scorer = _rewards.Bind(new RewardContext(_stage.Ml, _data, model.Tokenizer), model, rows);
        return new HeldOutPrompts([.. rows.Select(row => row.Prompt.Ids)], scorer, _rewards.Weights)
        {
            Rollout = how?.Rollout?.Invoke(rows, _data),
        };
    }
}
