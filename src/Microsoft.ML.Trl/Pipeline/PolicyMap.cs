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
        if (_reward is null && owner.SampleSize > 1)
            throw new InvalidOperationException(
                $"The best of {owner.SampleSize} completions is to be chosen, but no reward model is upstream to score them; append "
                + "the stage to a RewardModel or RewardScoring stage, or transform its output.");
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
        (IReadOnlyList<Answer> answers, IReadOnlyList<float>? best) = _owner.SampleSize == 1
            ? (Sampled(answerable, 0, watch.Token), null) : BestSampled(answerable, watch.Token);
        string[] completions = [.. texts[0].Select(_ => "")];
        foreach ((int row, Answer answer) in rows.Zip(answers))
            completions[row] = answer.Text;
        if (Outputs.Count == 1)
            return [completions];
        float[]? scores = wanted[1] ? [.. prompts.Select(_ => float.NaN)] : null;
        if (scores is not null)
            foreach ((int row, float score) in rows.Zip(best ?? Scored(answerable, answers)))
                scores[row] = score;
        return [completions, scores];
    }

    /// <summary>One completion of each prompt.</summary>
    private IReadOnlyList<Answer> Sampled(RowPrompt[] prompts, int sample, CancellationToken cancel) => _policy.Answer(
        [.. prompts.Select(prompt => prompt.Ids)], [.. prompts.Select(prompt => PromptSeed.OfSample(prompt.Text, sample))],
        _owner.Generation, cancel);

    /// <summary>The best of several completions of each prompt; of equal scores the one that was sampled first.</summary>
    private (IReadOnlyList<Answer> Answers, IReadOnlyList<float> Scores) BestSampled(RowPrompt[] prompts, CancellationToken cancel)
    {
        var best = new Answer[prompts.Length];
        float[] scores = [.. prompts.Select(_ => float.NegativeInfinity)];
        for (int sample = 0; sample < _owner.SampleSize; sample++)
        {
            IReadOnlyList<Answer> answers = Sampled(prompts, sample, cancel);
            float[] scored = Scored(prompts, answers);
            for (int row = 0; row < prompts.Length; row++)
                if (scored[row] > scores[row])
                    (best[row], scores[row]) = (answers[row], scored[row]);
        }
        return (best, scores);
    }

    private float[] Scored(RowPrompt[] prompts, IReadOnlyList<Answer> answers) =>
        AnswerScorer.Score(_reward!, _policy.Tokenizer, prompts, answers);

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
