using System.Numerics;
using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>A column of numbers that a transformer makes of prompts and responses.</summary>
internal sealed class TransformerReward(ITransformer transformer, string? columnName, int? slot) : RewardFunction
{
    private static readonly string[] UsualNames = ["Score", "Probability"];

    internal override void Check(MLContext ml) => Column(transformer.GetOutputSchema(View(ml, [], []).Schema));

    internal override IReadOnlyList<double> Score(
        MLContext ml, IReadOnlyList<string> prompts, IReadOnlyList<string> responses, CancellationToken cancel)
    {
        IDataView scored = transformer.Transform(View(ml, prompts, responses));
        DataViewSchema.Column column = Column(scored.Schema);
        using DataViewRowCursor cursor = scored.GetRowCursor([column]);
        Func<double> getter = slot is { } place ? SlotGetter(cursor, column, place) : RowReader.NumberGetter(cursor, column);
        var scores = new List<double>(responses.Count);
        while (cursor.MoveNext())
            scores.Add(getter());
        return scores;
    }

    private static IDataView View(MLContext ml, IReadOnlyList<string> prompts, IReadOnlyList<string> responses)
    {
        ScoredText Joined(string prompt, string response) =>
            new() { Prompt = prompt, Completion = response, Text = prompt + response };
        return ml.Data.LoadFromEnumerable(prompts.Zip(responses, Joined).ToArray());
    }

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
    }
}
