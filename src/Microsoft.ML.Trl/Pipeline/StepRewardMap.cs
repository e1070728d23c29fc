using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>Prompt and completion → probability that each step is right.</summary>
internal sealed class StepRewardMap : IBatchMap
{
    private readonly StepRewardTransformer _owner;
    private readonly StepTexts _texts;
    private readonly RowWarning _warning;

    public StepRewardMap(DataViewSchema input, StepRewardTransformer owner)
    {
        _owner = owner;
        _texts = new StepTexts(owner.Model.Tokenizer, owner.Output.StepSeparator);
        _warning = new RowWarning(owner.Host, "The scores of its steps beyond that are NaN");
        Inputs =
        [
            InputColumns.Text(input, owner.Output.PromptColumnName, "prompt"),
            InputColumns.Text(input, owner.Output.CompletionColumnName, "completion"),
        ];
        Outputs = [new AddedColumn(owner.Output.OutputColumnName, new VectorDataViewType(NumberDataViewType.Single))];
    }

    public IReadOnlyList<DataViewSchema.Column> Inputs { get; }
    public IReadOnlyList<AddedColumn> Outputs { get; }
    public int BatchSize => _owner.BatchSize;

    public Array?[] Compute(string[][] texts, bool[] wanted, long firstRow)
    {
        int limit = _owner.Model.Network.Config.ContextLength;
        string[][] steps = [.. texts[1].Select(_texts.Split)];
        StepTokens[] rows = [.. texts[0].Zip(steps, (prompt, some) => _texts.Encode(prompt, some, limit))];
        float[][] scores = new float[rows.Length][];
        int[] filled = [.. Enumerable.Range(0, rows.Length).Where(row => rows[row].Ids.Length > 0)];
        float[][] found = StepScorer.Score(_owner.Model, [.. filled.Select(row => rows[row])]);
        foreach ((int row, float[] known) in filled.Zip(found))
            scores[row] = known;
        for (int row = 0; row < rows.Length; row++)
        {
            int unknown = steps[row].Length - rows[row].Ends.Length;
            if (unknown > 0)
                _warning.Give(firstRow + row, $"prompt and completion are longer than the model's context of {limit} tokens.");
            scores[row] = [.. scores[row] ?? [], .. Enumerable.Repeat(float.NaN, unknown)];
        }
        return [scores];
    }
}
