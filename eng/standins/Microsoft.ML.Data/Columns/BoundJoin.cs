using System.Reflection;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A join of the columns of one schema.</summary>
internal sealed class BoundJoin
{
    private static readonly MethodInfo OpenGetter = typeof(BoundJoin).GetMethod(nameof(JoinGetter), BindingFlags.NonPublic | BindingFlags.Instance);

    private readonly IHost _host;
    private readonly Join _join;
    private readonly VectorDataViewType _type;

    public BoundJoin(IHost host, Join join, DataViewSchema schema)
    {
        _host = host;
        _join = join;
        Sources = [.. join.Sources.Select(source => schema.GetColumnOrNull(source.Name) ?? throw Fail.MissingColumn("inputSchema", "input", source.Name, host))];
        DataViewType itemType = BuiltInTypes.ItemTypeOf(Sources[0].Type);
        foreach (DataViewSchema.Column source in Sources)
        {
            if (!BuiltInTypes.ItemTypeOf(source.Type).Equals(itemType))
                throw Fail.SchemaMismatch("inputSchema", "input", source.Name, itemType.ToString(), source.Type.ToString(), host);
        }
        int[] sizes = [.. Sources.Select(source => SizeOf(source.Type))];
        _type = new VectorDataViewType((PrimitiveDataViewType)itemType, sizes.Contains(0) ? 0 : sizes.Sum());
    }

    public DataViewSchema.Column[] Sources { get; }

    /// <summary>A single vector is passed on as it is, with all that it carries.</summary>
    private bool IsIdentity => Sources is [{ Type: VectorDataViewType }];

    public DataViewSchema.DetachedColumn ToColumn()
    {
        if (IsIdentity)
            return new DataViewSchema.DetachedColumn(_join.Output, Sources[0].Type, Sources[0].Annotations);
        var annotations = new DataViewSchema.Annotations.Builder();
        if (_type.ItemType is NumberDataViewType && Sources.All(source => source.IsNormalized()))
            annotations.AddPrimitiveValue(AnnotationKinds.IsNormalized, BooleanDataViewType.Instance, true);
        if (_type.IsKnownSize && Sources.Any(source => source.Type is not VectorDataViewType || source.HasSlotNames()))
        {
            annotations.Add(AnnotationKinds.SlotNames, new VectorDataViewType(TextDataViewType.Instance, _type.Size),
                (ref VBuffer<ReadOnlyMemory<char>> names) => SparseVectors.Set(ref names, SlotNames()));
        }
        return new DataViewSchema.DetachedColumn(_join.Output, _type, annotations.ToAnnotations());
    }

    public Delegate MakeGetter(DataViewRow input) =>
        IsIdentity ? Getters.Of(input, Sources[0]) : (Delegate)Getters.Call(OpenGetter, this, _type.ItemType.RawType, input);

    private static int SizeOf(DataViewType type) => type is VectorDataViewType vector ? vector.Size : 1;

    private ReadOnlyMemory<char>[] SlotNames()
    {
        var result = new ReadOnlyMemory<char>[_type.Size];
        int slot = 0;
        for (int i = 0; i < Sources.Length; i++)
        {
            (string column, string alias) = _join.Sources[i];
            if (Sources[i].Type is not VectorDataViewType)
                result[slot] = (alias ?? column).AsMemory();
            else if (Sources[i].HasSlotNames())
            {
                var names = default(VBuffer<ReadOnlyMemory<char>>);
                Sources[i].GetSlotNames(ref names);
                string prefix = alias == column ? "" : $"{alias ?? column}.";
                foreach ((int index, ReadOnlyMemory<char> name) in names.Items())
                    result[slot + index] = name.IsEmpty ? name : $"{prefix}{name}".AsMemory();
            }
            slot += SizeOf(Sources[i].Type);
        }
        return result;
    }

    private ValueGetter<VBuffer<T>> JoinGetter<T>(DataViewRow input)
    {
        var parts = new VBuffer<T>[Sources.Length];
        Action[] fetches = [.. Sources.Select((source, i) => Fetch(input, source, () => ref parts[i]))];
        return (ref VBuffer<T> result) =>
        {
            foreach (Action fetch in fetches)
                fetch();
            Append(parts, ref result);
        };
    }

    private delegate ref VBuffer<T> Place<T>();

    private Action Fetch<T>(DataViewRow input, DataViewSchema.Column source, Place<T> place)
    {
        if (source.Type is not VectorDataViewType vector)
        {
            ValueGetter<T> one = input.GetGetter<T>(source);
            return () =>
            {
                VBufferEditor<T> editor = VBufferEditor.Create(ref place(), 1);
                one(ref editor.Values[0]);
                place() = editor.Commit();
            };
        }
        ValueGetter<VBuffer<T>> many = input.GetGetter<VBuffer<T>>(source);
        return () =>
        {
            ref VBuffer<T> values = ref place();
            many(ref values);
            if (vector.IsKnownSize && values.Length != vector.Size)
                throw Fail.State($"Column '{source.Name}': expected {vector.Size} slots, but got {values.Length}", context: _host);
        };
    }

    private static void Append<T>(VBuffer<T>[] parts, ref VBuffer<T> result)
    {
        int length = parts.Sum(part => part.Length);
        int count = parts.Sum(part => part.GetValues().Length);
        int offset = 0;
        if (count > length / 2)
        {
            VBufferEditor<T> dense = VBufferEditor.Create(ref result, length);
            foreach (VBuffer<T> part in parts)
            {
                part.CopyTo(dense.Values, offset);
                offset += part.Length;
            }
            result = dense.Commit();
            return;
        }
        VBufferEditor<T> sparse = VBufferEditor.Create(ref result, length, count);
        int slot = 0;
        foreach (VBuffer<T> part in parts)
        {
            foreach ((int index, T value) in part.Items())
            {
                sparse.Values[slot] = value;
                sparse.Indices[slot++] = offset + index;
            }
            offset += part.Length;
        }
        result = sparse.Commit();
    }
}
