namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>What a stage does with prompts besides reading them and answering each in one turn.</summary>
internal sealed record PromptReading
{
    /// <summary>Leaves prompts out, and counts them; null = none.</summary>
    public Func<List<PromptRow>, RowCounts, List<PromptRow>>? Keep { get; init; }

    /// <summary>Functions that the prompts tell of, in JSON; null = what their rows have.</summary>
    public string? Tools { get; init; }

    /// <summary>How prompts of data are answered; null = in one turn.</summary>
    public Func<IReadOnlyList<PromptRow>, IDataView, IRollout?>? Rollout { get; init; }
}

/// <summary>Prompts of a run, and what those are asked in who say how good answers are.</summary>
internal sealed record PromptRows(IReadOnlyList<PromptRow> Rows, RewardContext Context)
{
    /// <summary>Token ids.</summary>
    public IReadOnlyList<int[]> Ids => [.. Rows.Select(row => row.Prompt.Ids)];
}

/// <summary>What a run answers.</summary>
/// <param name="Rows">The prompts that are learnt.</param>
/// <param name="Training">The same, with who scores their answers.</param>
/// <param name="HeldOut">Those that evaluations answer; null = nothing is evaluated.</param>
internal sealed record RunPrompts(IReadOnlyList<PromptRow> Rows, ScoredPrompts Training, ScoredPrompts? HeldOut);

/// <summary>
/// The prompts of a stage, those that it learns and those that its evaluations answer. Columns are found before a model is loaded.
/// </summary>
internal sealed class StagePrompts
{
    private readonly StageContext _stage;
    private readonly TrainingOptions _options;
    private readonly PolicyOutput _output;
    private readonly IDataView _data;
    private IDataView? _heldOut;

    /// <summary>Finds the column of the prompts, and a model to start from.</summary>
    /// <param name="stage">The stage, and its training data if it has some of its own.</param>
    /// <param name="options">With the evaluation data.</param>
    /// <param name="output">Says where prompts stand, and how they are read.</param>
    /// <param name="input">What comes down the pipeline.</param>
    /// <exception cref="ArgumentException">A column is missing or of the wrong type.</exception>
    /// <exception cref="InvalidOperationException">There is no model to start from.</exception>
    public StagePrompts(StageContext stage, TrainingOptions options, PolicyOutput output, IDataView input)
    {
        ArgumentNullException.ThrowIfNull(input);
        (_stage, _options, _output, _data) = (stage, options, output, stage.TrainingData ?? input);
        _ = Reader(_data);
        stage.StartModel(input);
    }

    /// <summary>Whether there are prompts that evaluations answer; known after <see cref="Check"/>.</summary>
    public bool Evaluates => _heldOut is not null;

    /// <summary>Finds what is wrong with the data before a model is loaded.</summary>
    /// <param name="check">Fails where those who say how good answers are cannot read data; null = they read answers alone.</param>
    /// <exception cref="ArgumentException">They cannot, or evaluation data lack prompts.</exception>
    public void Check(Action<MLContext, DataViewSchema>? check)
    {
        check?.Invoke(_stage.Ml, _data.Schema);
        _heldOut = EvaluationRows.Open(_options, data =>
        {
            _ = Reader(data);
            check?.Invoke(_stage.Ml, data.Schema);
            return data;
        });
    }

    /// <summary>All prompts that can be answered, with the rewards of a run.</summary>
    /// <param name="session">Told of those that are left out.</param>
    /// <param name="model">Answers them.</param>
    /// <param name="rewards">Bound to the data that the prompts stand in.</param>
    /// <param name="how">What else is done, with prompts of evaluations if true; null = nothing.</param>
    /// <exception cref="ArgumentException">No row can be answered.</exception>
    public RunPrompts Read(FitSession session, LanguageModel model, RewardSet rewards, Func<bool, PromptReading>? how = null)
    {
        (PromptRows training, PromptRows? heldOut) = Rows(session, model, how);
        return new RunPrompts(
            training.Rows, Scored(training, _data, false), heldOut is null ? null : Scored(heldOut, _heldOut!, true));

        ScoredPrompts Scored(PromptRows prompts, IDataView data, bool evaluated) =>
            new(prompts.Ids, rewards.Bind(prompts.Context, model, prompts.Rows), rewards.Weights)
            {
                Rollout = how?.Invoke(evaluated).Rollout?.Invoke(prompts.Rows, data),
            };
    }

    /// <summary>The prompts alone.</summary>
    /// <inheritdoc cref="Read"/>
    public (PromptRows Training, PromptRows? HeldOut) Rows(FitSession session, LanguageModel model, Func<bool, PromptReading>? how = null)
    {
        List<PromptRow> All(IDataView data, RowCounts counts, PromptReading? reading)
        {
            List<PromptRow> read = Reader(data, reading?.Tools).Read(model.Codec, counts, session.Cancel);
            return reading?.Keep is { } keep ? keep(read, counts) : read;
        }
        PromptRows With(IReadOnlyList<PromptRow> rows, IDataView data) => new(rows, new RewardContext(_stage.Ml, data, model.Tokenizer));
        var counts = new RowCounts();
        List<PromptRow> training = All(_data, counts, how?.Invoke(false));
        session.Tell(counts);
        IReadOnlyList<PromptRow>? heldOut = EvaluationRows.Read(
            _heldOut, (data, those) => All(data, those, how?.Invoke(true)), session.Warn);
        return (With(training, _data), heldOut is null ? null : With(heldOut, _heldOut!));
    }

    private PromptReader Reader(IDataView data, string? tools = null) =>
        new(data, _output.PromptColumnName, _output.Conversations) { Tools = tools };
}
