using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>Writes the annotation that tells what the keys of a column stand for.</summary>
internal static class KeyValueAnnotations
{
    private static readonly MethodInfo OpenPicked = typeof(KeyValueAnnotations).GetMethod(nameof(AddPickedOf), BindingFlags.NonPublic | BindingFlags.Static);

    public static void Add<T>(DataViewSchema.Annotations.Builder annotations, PrimitiveDataViewType type, Func<T[]> values, bool asText)
    {
        int count = values().Length;
        if (asText && type is not TextDataViewType)
        {
            annotations.Add(AnnotationKinds.KeyValues, new VectorDataViewType(TextDataViewType.Instance, count),
                (ref VBuffer<ReadOnlyMemory<char>> all) => Fill([.. values().Select(value => TextWriting.Of(value, type).AsMemory())], ref all));
            return;
        }
        annotations.Add(AnnotationKinds.KeyValues, new VectorDataViewType(type, count), (ref VBuffer<T> all) => Fill(values(), ref all));
    }

    /// <summary>Some of the values that annotate another column.</summary>
    public static void AddPicked(DataViewSchema.Annotations.Builder annotations, DataViewSchema.Column source, PrimitiveDataViewType type, int[] places, bool asText) =>
        Getters.Call(OpenPicked, null, type.RawType, annotations, source, type, places, asText);

    private static void AddPickedOf<T>(DataViewSchema.Annotations.Builder annotations, DataViewSchema.Column source, PrimitiveDataViewType type, int[] places, bool asText) =>
        Add<T>(annotations, type, () =>
        {
            var meant = default(VBuffer<T>);
            source.GetKeyValues(ref meant);
            T[] all = [.. meant.DenseValues()];
            return [.. places.Select(place => all[place])];
        }, asText);

    private static void Fill<T>(T[] values, ref VBuffer<T> destination)
    {
        VBufferEditor<T> editor = VBufferEditor.Create(ref destination, values.Length);
        values.CopyTo(editor.Values);
        destination = editor.Commit();
    }
}
