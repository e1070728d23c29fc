using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>Text → label, scores, probabilities.</summary>
internal sealed class TextClassificationMap : IBatchMap
{
    private readonly TextClassifier _model;
    private readonly TextClassificationTransformer _owner;
    private readonly RowWarning _warning;

    public TextClassificationMap(DataViewSchema input, TextClassificationTransformer owner)
    {
        (_model, _owner) = (owner.Model, owner);
        _warning = new RowWarning(owner.Host, "Its label is empty and its scores are NaN");
        Inputs = [InputColumns.Text(input, owner.TextColumnName, "text")];
        var vector = new VectorDataViewType(NumberDataViewType.Single, owner.Labels.Count);
        DataViewSchema.Annotations slots = SlotNames(owner.Labels);
        Outputs =
        [
            new AddedColumn(owner.PredictedLabelColumnName, TextDataViewType.Instance),
            new AddedColumn(owner.ScoreColumnName, vector, slots), new AddedColumn(owner.ProbabilityColumnName, vector, slots),
        ];
    }

    public IReadOnlyList<DataViewSchema.Column> Inputs { get; }
    public IReadOnlyList<AddedColumn> Outputs { get; }
    public int BatchSize => _owner.BatchSize;

    public Array?[] Compute(string[][] texts, bool[] wanted, long firstRow)
    {
        int[][] tokens = [.. texts[0].Select(text => _model.Encode(text))];
        int[] rows = [.. Enumerable.Range(0, tokens.Length).Where(row => tokens[row].Length > 0)];
        for (int row = 0; row < tokens.Length; row++)
            if (tokens[row].Length == 0)
                _warning.Give(firstRow + row, "the text to be classified has no token. Give it at least one character.");
        float[] none = [.. _model.Labels.Select(_ => float.NaN)];
        LabelPrediction[] found = [.. tokens.Select(_ => new LabelPrediction("", none, none))];
        foreach ((int row, LabelPrediction one) in rows.Zip(_model.Classify([.. rows.Select(row => tokens[row])])))
            found[row] = one;
        return
        [
            found.Select(one => one.Label).ToArray(), found.Select(one => one.Scores.ToArray()).ToArray(),
            found.Select(one => one.Probabilities.ToArray()).ToArray(),
        ];
    }

    private static DataViewSchema.Annotations SlotNames(IReadOnlyList<string> labels)
    {
        ReadOnlyMemory<char>[] names = [.. labels.Select(label => label.AsMemory())];
        var builder = new DataViewSchema.Annotations.Builder();
        ValueGetter<VBuffer<ReadOnlyMemory<char>>> getter =
            (ref VBuffer<ReadOnlyMemory<char>> value) => value = new VBuffer<ReadOnlyMemory<char>>(names.Length, [.. names]);
        builder.Add("SlotNames", new VectorDataViewType(TextDataViewType.Instance, names.Length), getter);
        return builder.ToAnnotations();
    }
}
