namespace Microsoft.ML.Data;

/// <summary>Getters of annotation values given as .NET values.</summary>
internal static class AnnotationValues
{
    /// <summary>
    /// A getter of the annotation's raw type. Null for a type that is neither primitive nor a vector: asking for it is the
    /// error then, not adding it.
    /// </summary>
    public static Delegate GetterOrNull<T>(T value, DataViewType type)
    {
        (Type item, bool isVector) = MemberTypes.UnfoldKnown("annotation value", typeof(T), null);
        var vectorType = type as VectorDataViewType;
        Guard.That(isVector == vectorType is not null,
            $"Value inputted is supposed to be {(isVector ? "vector" : "scalar")}, but type of Annotationinfo is {(vectorType is null ? "scalar" : "vector")}");
        Type expected = (vectorType?.ItemType ?? type).RawType;
        Guard.That(item == expected, $"Value inputted is supposed to have Type {item}, but type of Annotationinfo has {expected}");
        if (vectorType is null && type is not PrimitiveDataViewType)
            return null;
        return value switch
        {
            string text => (ValueGetter<ReadOnlyMemory<char>>)((ref ReadOnlyMemory<char> destination) => destination = text.AsMemory()),
            string[] texts => ArrayGetter([.. texts.Select(text => text.AsMemory())]),
            Array => (Delegate)Getters.Call(typeof(AnnotationValues).GetMethod(nameof(ArrayGetter)), null, item, value),
            _ when isVector => (Delegate)Getters.Call(typeof(AnnotationValues).GetMethod(nameof(BufferGetter)), null, item, value),
            _ => (ValueGetter<T>)((ref T destination) => destination = value),
        };
    }

    public static ValueGetter<VBuffer<TItem>> ArrayGetter<TItem>(TItem[] values) => BufferGetter(new VBuffer<TItem>(values.Length, values));

    public static ValueGetter<VBuffer<TItem>> BufferGetter<TItem>(VBuffer<TItem> values) =>
        (ref VBuffer<TItem> destination) => values.CopyTo(ref destination);
}
