using System.Diagnostics.CodeAnalysis;
using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>What an estimator says it will add, before it is fitted.</summary>
/// <remarks>ML.NET's shapes can be read but not made from outside; a custom mapping that reads nothing makes them for us.</remarks>
internal static class PromisedColumns
{
    /// <summary>A text column that will carry a model.</summary>
    public static SchemaShape WithText(MLContext ml, SchemaShape shape, string name, string kind) => With<AddedText>(ml, shape, name, kind);

    /// <summary>A column of numbers that will carry a model.</summary>
    public static SchemaShape WithNumber(MLContext ml, SchemaShape shape, string name, string kind) =>
        With<AddedNumber>(ml, shape, name, kind);

    /// <summary>A column of vectors.</summary>
    public static SchemaShape WithVector(MLContext ml, SchemaShape shape, string name)
    {
        SchemaDefinition definition = SchemaDefinition.Create(typeof(AddedVector));
        definition[0].ColumnName = name;
        return With<AddedVector>(ml, shape, definition);
    }

    /// <summary>A column of images that will carry a model; its vectors are promised to have one length, whichever it is.</summary>
    public static SchemaShape WithImage(MLContext ml, SchemaShape shape, string name, string kind)
    {
        SchemaDefinition definition = SchemaDefinition.Create(typeof(AddedVector));
        definition[0].ColumnName = name;
        definition[0].ColumnType = new VectorDataViewType(NumberDataViewType.Single, 1);
        definition[0].AddAnnotation(kind, "model", TextDataViewType.Instance);
        return With<AddedVector>(ml, shape, definition);
    }

    /// <summary>The columns of a classifier.</summary>
    public static SchemaShape WithLabels(MLContext ml, SchemaShape shape, ClassifierOutput output)
    {
        SchemaDefinition definition = SchemaDefinition.Create(typeof(AddedLabels));
        definition[nameof(AddedLabels.PredictedLabel)].ColumnName = output.PredictedLabelColumnName;
        definition[nameof(AddedLabels.Score)].ColumnName = output.ScoreColumnName;
        definition[nameof(AddedLabels.Probability)].ColumnName = output.ProbabilityColumnName;
        return With<AddedLabels>(ml, shape, definition);
    }

    private static SchemaShape With<T>(MLContext ml, SchemaShape shape, string name, string kind)
        where T : class, new()
    {
        SchemaDefinition definition = SchemaDefinition.Create(typeof(T));
        definition[0].ColumnName = name;
        definition[0].AddAnnotation(kind, "model", TextDataViewType.Instance);
        return With<T>(ml, shape, definition);
    }

    private static SchemaShape With<T>(MLContext ml, SchemaShape shape, SchemaDefinition definition)
        where T : class, new()
    {
        var mapping = ml.Transforms.CustomMapping<Nothing, T>((_, _) => { }, null, null, definition);
        SchemaShape added = mapping.GetOutputSchema(new SchemaShape([]));
        string[] names = [.. definition.Select(column => column.ColumnName)];
        return new SchemaShape(shape.Where(column => !names.Contains(column.Name)).Concat(added));
    }

    [SuppressMessage("Performance", "CA1812", Justification = "Made by ML.NET.")]
    private sealed class Nothing;

    [SuppressMessage("Performance", "CA1812", Justification = "Made by ML.NET.")]
    private sealed class AddedText
    {
        public string Value { get; set; } = "";
    }

    [SuppressMessage("Performance", "CA1812", Justification = "Made by ML.NET.")]
    private sealed class AddedLabels
    {
        public string PredictedLabel { get; set; } = "";
        public float[] Score { get; set; } = [];
        public float[] Probability { get; set; } = [];
    }

    [SuppressMessage("Performance", "CA1812", Justification = "Made by ML.NET.")]
    private sealed class AddedNumber
    {
        public float Value { get; set; }
    }

    [SuppressMessage("Performance", "CA1812", Justification = "Made by ML.NET.")]
    private sealed class AddedVector
    {
        public float[] Value { get; set; } = [];
    }
}
