using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>Prompt → completion, and its score where a reward model is upstream.</summary>
internal sealed class PolicyMap : IBatchMap
{
    private readonly LanguageModel _policy;
    private readonly TextGenerationTransformer _owner;
    private readonly TextRewardModel? _reward;
    private readonly RowWarning _warning;
    private readonly TemplateColumns _template;

    public PolicyMap(DataViewSchema input, TextGenerationTransformer owner)
    {
        (_policy, _owner) = (owner.Model, owner);
        _warning = new RowWarning(owner.Host, "Its completion is empty, and its score NaN");
        _template = TemplateColumns.Of(input, owner.Conversations);
        Inputs = [InputColumns.Text(input, owner.PromptColumnName, "prompt"), .. _template.Columns];
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
        RowPrompt[] prompts = [.. Enumerable.Range(0, texts[0].Length).Select(row => Prompt(texts, row, firstRow + row))];
        int[] rows = [.. Enumerable.Range(0, prompts.Length).Where(row => IsAnswerable(prompts[row].Ids, firstRow + row))];
        RowPrompt[] answerable = [.. rows.Select(row => prompts[row])];
        using CancelWatch watch = _owner.Host.Watch(_owner.CancellationToken);
        IReadOnlyList<Answer> answers = _policy.Answer(
            [.. answerable.Select(prompt => prompt.Ids)], [.. answerable.Select(prompt => PromptSeed.Of(prompt.Text))], _owner.Generation,
            watch.Token);
        string[] completions = [.. texts[0].Select(_ => "")];
        foreach ((int row, Answer answer) in rows.Zip(answers))
            completions[row] = answer.Text;
        if (Outputs.Count == 1)
            return [completions];
        float[]? scores = wanted[1] ? [.. prompts.Select(_ => float.NaN)] : null;
        if (scores is not null)
            foreach ((int row, float score) in rows.Zip(AnswerScorer.Score(_reward!, _policy.Tokenizer, answerable, answers)))
                scores[row] = score;
        return [completions, scores];
    }

    private RowPrompt Prompt(string[][] texts, int row, long number)
    {
        string[] cells = Array.ConvertAll(texts, column => column[row]);
        return RowCodec.OfRow(number, Inputs.Take(1), () => _owner.Rows.Prompt(cells[0], _template.Cells(cells)));
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
