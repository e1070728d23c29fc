using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Scoring;

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

    /// <summary>The nearest model of a kind upstream: the last column that carries one, hidden columns included.</summary>
    public static T? Nearest<T>(DataViewSchema schema, string kind)
        where T : class
    {
        foreach (DataViewSchema.Column column in schema.Reverse())
        {
            if (column.Annotations.Schema.GetColumnOrNull(kind) is not { Type: HandleType })
                continue;
            ModelHandle? handle = null;
            column.Annotations.GetValue(kind, ref handle);
            if (handle?.Model is T model)
                return model;
        }
        return null;
    }

    private sealed class HandleType : StructuredDataViewType
    {
        public static readonly HandleType Instance = new();

        private HandleType()
            : base(typeof(ModelHandle))
        {
        }

        public override bool Equals(DataViewType? other) => other is HandleType;

        public override int GetHashCode() => typeof(HandleType).GetHashCode();
    }
}
