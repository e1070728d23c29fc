using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>Prompt and completion → score.</summary>
internal sealed class RewardMap : IBatchMap
{
    private readonly TextRewardModel _model;
    private readonly RewardTransformer _owner;
    private readonly bool _hasPrompts;
    private readonly TemplateColumns _template;
    private readonly Func<Exception>? _unreadable;
    private readonly RowWarning _warning;

    public RewardMap(DataViewSchema input, RewardTransformer owner)
    {
        (_model, _owner) = (owner.Model, owner);
        _warning = new RowWarning(owner.Host, "Its score is NaN");
        DataViewSchema.Column? prompt = owner.PromptColumnName is not { } name ? null
            : owner.ReadsWholeTexts ? InputColumns.TextOrNull(input, name, "prompt")
            : InputColumns.Text(input, name, "prompt");
        _hasPrompts = prompt is not null;
        // Where PPO alone needs the reward model, nothing was completed yet: the column carries the model, and only reading it is an error.
        _template = TemplateColumns.Of(input, owner.Conversations);
        if (InputColumns.TextOrNull(input, owner.CompletionColumnName, "completion") is { } completion)
            Inputs = prompt is { } given ? [given, completion, .. _template.Columns] : [completion, .. _template.Columns];
        else
            (Inputs, _unreadable) = ([], () => InputColumns.MissingText(input, owner.CompletionColumnName, "completion"));
        Outputs =
        [
            new AddedColumn(owner.OutputColumnName, NumberDataViewType.Single, ModelHandle.Annotate(ModelHandle.RewardKind, _model)),
        ];
    }

    public IReadOnlyList<DataViewSchema.Column> Inputs { get; }
    public IReadOnlyList<AddedColumn> Outputs { get; }
    public int BatchSize => _owner.BatchSize;

    public Array?[] Compute(string[][] texts, bool[] wanted, long firstRow)
    {
        if (_unreadable is not null)
            throw _unreadable();
        int[][] tokens = [.. Enumerable.Range(0, texts[0].Length).Select(row => Tokens(texts, row, firstRow + row))];
        int[] rows = [.. Enumerable.Range(0, tokens.Length).Where(row => tokens[row].Length > 0)];
        for (int row = 0; row < tokens.Length; row++)
            if (tokens[row].Length == 0)
                _warning.Give(firstRow + row, "the text to be scored has no token. Give it at least one character.");
        float[] scores = [.. tokens.Select(_ => float.NaN)];
        foreach ((int row, float score) in rows.Zip(_model.Score([.. rows.Select(row => tokens[row])])))
            scores[row] = score;
        return [scores];
    }

    private int[] Tokens(string[][] texts, int row, long number)
    {
        string[] cells = Array.ConvertAll(texts, column => column[row]);
        (string? prompt, string completion) = _hasPrompts ? (cells[0], cells[1]) : (null, cells[0]);
        return RowCodec.OfRow(
            number, Inputs.Take(_hasPrompts ? 2 : 1), () => _owner.Rows.Answered(prompt, completion, _template.Cells(cells)));
    }
}
