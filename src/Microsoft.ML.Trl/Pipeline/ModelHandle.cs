using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>
/// How a trained model travels from one stage of a pipeline to the next: as an annotation on the column that its transformer adds.
/// The handle does not own the model; the transformer does.
/// </summary>
internal sealed class ModelHandle(object model)
{
    /// <summary>Annotation kind of a policy, on the completion column.</summary>
    public const string PolicyKind = "TrlPolicy";

    /// <summary>Annotation kind of a reward model, on the score column.</summary>
    public const string RewardKind = "TrlReward";

    /// <summary>Annotation kind of a diffusion model, on the column of images.</summary>
    public const string DenoiserKind = "TrlDenoiser";

    /// <summary>The model that rides along.</summary>
    public object Model { get; } = model;

    /// <summary>The annotations of a column that carries this model.</summary>
    public static DataViewSchema.Annotations Annotate(string kind, object model)
    {
        var handle = new ModelHandle(model);
        var builder = new DataViewSchema.Annotations.Builder();
        builder.Add(kind, HandleType.Instance, (ref ModelHandle value) => value = handle);
        return builder.ToAnnotations();
    }

    /// <summary>The nearest model of a kind upstream, or null.</summary>
    public static T? Nearest<T>(DataViewSchema schema, string kind)
        where T : class
    {
        if (NearestColumn(schema, kind) is not { } column)
            return null;
        ModelHandle? handle = null;
        column.Annotations.GetValue(kind, ref handle);
        return handle?.Model as T;
    }

    /// <summary>The last column that carries a model of a kind, hidden columns included; null when none does.</summary>
    public static DataViewSchema.Column? NearestColumn(DataViewSchema schema, string kind)
    {
        foreach (DataViewSchema.Column column in schema.Reverse())
            if (column.Annotations.Schema.GetColumnOrNull(kind) is { Type: HandleType })
                return column;
        return null;
    }

    /// <summary>The column with which a pipeline that is not fitted yet promises a model of a kind, or null.</summary>
    public static string? PromisedColumn(SchemaShape shape, string kind)
    {
        foreach (SchemaShape.Column column in shape.Reverse())
            if (column.Annotations.Any(annotation => annotation.Name == kind))
                return column.Name;
        return null;
    }

    private sealed class HandleType : StructuredDataViewType
    {
        public static readonly HandleType Instance = new();

        private HandleType()
            : base(typeof(ModelHandle)) { }

        public override bool Equals(DataViewType? other) => other is HandleType;

        public override int GetHashCode() => typeof(HandleType).GetHashCode();
    }
}
