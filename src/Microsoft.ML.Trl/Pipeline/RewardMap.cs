using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>Prompt and completion → score.</summary>
internal sealed class RewardMap : IBatchMap
{
    private readonly TextRewardModel _model;
    private readonly bool _hasPrompts;
    private readonly Func<Exception>? _unreadable;

    public RewardMap(DataViewSchema input, RewardTransformer owner)
    {
        _model = owner.Model;
        BatchSize = owner.BatchSize;
        DataViewSchema.Column? prompt = owner.PromptColumnName is not { } name ? null
            : _model.ReadsWholeTexts ? InputColumns.TextOrNull(input, name, "prompt")
            : InputColumns.Text(input, name, "prompt");
        _hasPrompts = prompt is not null;
        // Where PPO alone needs the reward model, nothing was completed yet: the column carries the model, and only reading it is an error.
        if (InputColumns.TextOrNull(input, owner.CompletionColumnName, "completion") is { } completion)
            Inputs = prompt is { } given ? [given, completion] : [completion];
        else
            (Inputs, _unreadable) = ([], () => InputColumns.MissingText(input, owner.CompletionColumnName, "completion"));
        Outputs =
        [
            new AddedColumn(owner.OutputColumnName, NumberDataViewType.Single, ModelHandle.Annotate(ModelHandle.RewardKind, _model)),
        ];
    }

    public IReadOnlyList<DataViewSchema.Column> Inputs { get; }
    public IReadOnlyList<AddedColumn> Outputs { get; }
    public int BatchSize { get; }

    public Array?[] Compute(string[][] texts, bool[] wanted, long firstRow)
    {
        if (_unreadable is not null)
            throw _unreadable();
        return [_hasPrompts ? _model.Score(texts[0], texts[1]) : _model.Score(null, texts[0])];
    }
}
