using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>Prompt → completion, and its score where a reward model is upstream.</summary>
internal sealed class PolicyMap : IBatchMap
{
    private readonly LanguageModel _policy;
    private readonly GenerationOptions _generation;
    private readonly TextRewardModel? _reward;

    public PolicyMap(DataViewSchema input, TextGenerationTransformer owner)
    {
        _policy = owner.Model;
        _generation = owner.Generation;
        BatchSize = owner.BatchSize;
        Inputs = [InputColumns.Text(input, owner.PromptColumnName, "prompt")];
        var outputs = new List<AddedColumn>
        {
            new(owner.OutputColumnName, TextDataViewType.Instance, ModelHandle.Annotate(ModelHandle.PolicyKind, _policy)),
        };
        if (ModelHandle.NearestColumn(input, ModelHandle.RewardKind) is { } score)
        {
            _reward = ModelHandle.Nearest<TextRewardModel>(input, ModelHandle.RewardKind);
            DataViewSchema.Annotations annotations = ModelHandle.Annotate(ModelHandle.RewardKind, _reward!);
            outputs.Add(new AddedColumn(owner.ScoreColumnName ?? score.Name, NumberDataViewType.Single, annotations));
        }
        Outputs = outputs;
    }

    public IReadOnlyList<DataViewSchema.Column> Inputs { get; }
    public IReadOnlyList<AddedColumn> Outputs { get; }
    public int BatchSize { get; }

    public Array?[] Compute(string[][] texts, bool[] wanted, long firstRow)
    {
        string[] completions = _policy.Complete(texts[0], firstRow, _generation, CancellationToken.None);
        return _reward is null ? [completions] : [completions, wanted[1] ? _reward.Score(texts[0], completions) : null];
    }
}
