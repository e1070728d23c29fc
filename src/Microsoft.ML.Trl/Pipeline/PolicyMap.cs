using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>Prompt → completion, and its score where a reward model is upstream.</summary>
internal sealed class PolicyMap : IBatchMap
{
    private readonly LanguageModel _policy;
    private readonly TextGenerationTransformer _owner;
    private readonly TextRewardModel? _reward;
    private readonly RowWarning _warning;

    public PolicyMap(DataViewSchema input, TextGenerationTransformer owner)
    {
        (_policy, _owner) = (owner.Model, owner);
        _warning = new RowWarning(owner.Host, "Its completion is empty, and its score NaN");
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
    public int BatchSize => _owner.BatchSize;

    public Array?[] Compute(string[][] texts, bool[] wanted, long firstRow)
    {
        int[][] prompts = [.. texts[0].Select(_policy.Codec.Prompt)];
        int[] rows = [.. Enumerable.Range(0, prompts.Length).Where(row => IsAnswerable(prompts[row], firstRow + row))];
        using CancelWatch watch = _owner.Host.Watch(_owner.CancellationToken);
        IReadOnlyList<Answer> answers = _policy.Answer(
            [.. rows.Select(row => prompts[row])], [.. rows.Select(row => PromptSeed.Of(texts[0][row]))], _owner.Generation, watch.Token);
        string[] completions = [.. texts[0].Select(_ => "")];
        foreach ((int row, Answer answer) in rows.Zip(answers))
            completions[row] = answer.Text;
        return Outputs.Count == 1 ? [completions] : [completions, wanted[1] ? Scores(texts[0], rows, answers) : null];
    }

    private float[] Scores(string[] prompts, int[] rows, IReadOnlyList<Answer> answers)
    {
        float[] scores = [.. prompts.Select(_ => float.NaN)];
        float[] given = AnswerScorer.Score(_reward!, _policy.Tokenizer, [.. rows.Select(row => prompts[row])], answers);
        foreach ((int row, float score) in rows.Zip(given))
            scores[row] = score;
        return scores;
    }

    private bool IsAnswerable(int[] prompt, long row)
    {
        if (_policy.Codec.Unanswerable(prompt) is not { } reason)
            return true;
        if (_owner.Generation.RefuseUnanswerablePrompts)
            throw new ArgumentException($"Row {row}: {reason}");
        _warning.Give(row, reason);
        return false;
    }
}
