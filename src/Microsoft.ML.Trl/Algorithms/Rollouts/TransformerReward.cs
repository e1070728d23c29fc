using System.Numerics;
using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>A column of numbers that a transformer makes of prompts and responses.</summary>
internal sealed class TransformerReward(ITransformer transformer, string? columnName, int? slot)
    : RewardFunction(columnName ?? (transformer as RewardTransformer)?.Model.Name ?? UsualNames[0])
{
    private static readonly string[] UsualNames = ["Score", "Probability"];

    internal override void Check(MLContext ml, DataViewSchema data) => Column(OutputSchema(transformer, View(ml, []).Schema));

    internal override BoundReward Bind(RewardContext context) => (rows, _) =>
    {
        IDataView scored = transformer.Transform(View(context.Ml, rows));
        DataViewSchema.Column column = Column(scored.Schema);
        using DataViewRowCursor cursor = scored.GetRowCursor([column]);
        Func<double> getter = slot is { } place ? SlotGetter(cursor, column, place) : RowReader.NumberGetter(cursor, column);
        var scores = new List<double?>(rows.Count);
        while (cursor.MoveNext())
            scores.Add(getter());
        return Task.FromResult<IReadOnlyList<double?>>(scores);
    };

    /// <summary>The columns that the transformer makes; where one of its parts lacks a column, the message names that part.</summary>
    private static DataViewSchema OutputSchema(ITransformer transformer, DataViewSchema input)
    {
        if (transformer is IEnumerable<ITransformer> chain)
            return chain.Aggregate(input, (schema, part) => OutputSchema(part, schema));
        try
        {
            return transformer.GetOutputSchema(input);
        }
        catch (Exception cause) when (cause is ArgumentException or InvalidOperationException)
        {
            throw new ArgumentException(
                $"The {transformer.GetType().Name} in the transformer given as reward cannot read completions: {cause.Message} "
                + $"It gets the columns {string.Join(", ", input.Where(column => !column.IsHidden).Select(column => column.Name))}. "
                + "Give the part of the pipeline that scores, without what only training needs: fit a label's MapValueToKey apart from "
                + "the features and the trainer, and pass the transformer of these.",
                cause);
        }
    }

    private static IDataView View(MLContext ml, IReadOnlyList<RewardRow> rows) => ml.Data.LoadFromEnumerable(rows.Select(row =>
        new ScoredText
        {
            Prompt = row.Prompt,
            Completion = row.Completion,
            Text = row.Read.Text + row.Completion,
            Tools = row.Read.With.Tools,
            ChatTemplateKwargs = row.Read.With.Kwargs,
        }).ToArray());

    private DataViewSchema.Column Column(DataViewSchema schema)
    {
        string name = columnName ?? UsualNames.FirstOrDefault(usual => schema.GetColumnOrNull(usual) is not null) ?? UsualNames[0];
        if (slot is null)
            return InputColumns.Number(schema, name, "reward");
        DataViewSchema.Column? found = schema.GetColumnOrNull(name);
        return found is { Type: VectorDataViewType { ItemType: NumberDataViewType } type } column
            && (type.RawType == typeof(VBuffer<float>) || type.RawType == typeof(VBuffer<double>))
            ? column
            : throw new ArgumentOutOfRangeException(
                nameof(schema),
                $"Schema mismatch for reward column '{name}': expected a vector of Single or Double, "
                + $"since slot {slot} was asked for, got {found?.Type.ToString() ?? "no such column"}.");
    }

    private static Func<double> SlotGetter(DataViewRow row, DataViewSchema.Column column, int slot) =>
        column.Type.RawType == typeof(VBuffer<double>) ? Slot<double>(row, column, slot) : Slot<float>(row, column, slot);

    private static Func<double> Slot<T>(DataViewRow row, DataViewSchema.Column column, int slot)
        where T : struct, INumber<T>
    {
        ValueGetter<VBuffer<T>> getter = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> vector = default;
        return () =>
        {
            getter(ref vector);
            return slot < vector.Length
                ? double.CreateChecked(vector.GetItemOrDefault(slot))
                : throw new InvalidOperationException(
                    $"The reward column '{column.Name}' holds {vector.Length} numbers; there is no slot {slot}.");
        };
    }

    private sealed class ScoredText
    {
        public string Prompt { get; set; } = "";
        public string Completion { get; set; } = "";
        public string Text { get; set; } = "";
        public string Tools { get; set; } = "";
        public string ChatTemplateKwargs { get; set; } = "";
    }
}
