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

/// <summary>Reads held-out prompts.</summary>
internal sealed class HeldOutReader
{
    private readonly StageContext _stage;
    private readonly IDataView _data;
    private readonly Func<string?, PromptReader> _prompts;

    private HeldOutReader(StageContext stage, IDataView data, Func<string?, PromptReader> prompts) =>
        (_stage, _data, _prompts) = (stage, data, prompts);

    /// <summary>Finds the columns; null where nothing is evaluated.</summary>
    /// <param name="stage">The stage.</param>
    /// <param name="options">With the evaluation data.</param>
    /// <param name="promptColumnName">Text column with the prompts.</param>
    /// <param name="conversations">How they are read as conversations; null = as texts.</param>
    /// <param name="check">Fails where those who say how good answers are cannot read the data.</param>
    /// <exception cref="ArgumentException">A column is missing or of the wrong type.</exception>
    public static HeldOutReader? Open(
        StageContext stage, TrainingOptions options, string promptColumnName, ConversationOptions? conversations,
        Action<MLContext, DataViewSchema> check) =>
        EvaluationRows.Open(options, data =>
        {
            PromptReader Prompts(string? tools) => new(data, promptColumnName, conversations) { Tools = tools };
            _ = Prompts(null);
            check(stage.Ml, data.Schema);
            return new HeldOutReader(stage, data, Prompts);
        });

    /// <summary>All prompts that can be answered, with the rewards of a run.</summary>
    /// <param name="model">Answers them.</param>
    /// <param name="session">Warned of those that are left out.</param>
    /// <param name="rewards">Bound to the data that the prompts stand in.</param>
    /// <param name="how">What else is done; null = nothing.</param>
    /// <exception cref="ArgumentException">No row can be answered.</exception>
    public HeldOutPrompts Read(LanguageModel model, FitSession session, RewardSet rewards, HeldOutReading? how = null)
    {
        (IReadOnlyList<PromptRow> rows, RewardContext context) = Rows(model, session, how);
        return new HeldOutPrompts([.. rows.Select(row => row.Prompt.Ids)], rewards.Bind(context, model, rows), rewards.Weights)
        {
            Rollout = how?.Rollout?.Invoke(rows, _data),
        };
    }

    /// <summary>The prompts alone, and what those are asked in who say how good answers are.</summary>
    /// <inheritdoc cref="Read"/>
    public (IReadOnlyList<PromptRow> Rows, RewardContext Context) Rows(LanguageModel model, FitSession session, HeldOutReading? how = null)
    {
        IReadOnlyList<PromptRow> rows = EvaluationRows.Read(_prompts(how?.Tools), (reader, counts) =>
        {
            List<PromptRow> read = reader.Read(model.Codec, counts, session.Cancel);
            return how?.Keep is { } keep ? keep(read, counts) : read;
        }, session.Warn)!;
        return (rows, new RewardContext(_stage.Ml, _data, model.Tokenizer));
    }
}
