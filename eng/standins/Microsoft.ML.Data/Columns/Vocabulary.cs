namespace Microsoft.ML.Data;

/// <summary>Values and their keys, which count from 1 in the order of the values.</summary>
internal abstract class Vocabulary(PrimitiveDataViewType itemType)
{
    private const byte TextForm = 0;
    private const byte CodecForm = 1;

    public PrimitiveDataViewType ItemType { get; } = itemType;

    public abstract int Count { get; }

    public KeyDataViewType KeyType => new(typeof(uint), Math.Max(Count, 1));

    public static Vocabulary Empty(PrimitiveDataViewType itemType) =>
        (Vocabulary)Activator.CreateInstance(typeof(Vocabulary<>).MakeGenericType(itemType.RawType), itemType);

    public static Vocabulary Load(ModelLoadContext ctx)
    {
        byte form = ctx.Reader.ReadByte();
        Guard.Decoded(form is TextForm or CodecForm);
        if (form == CodecForm)
        {
            ValueCodec codec = ValueCodec.ReadDefinitionOrNull(ctx.Reader);
            Guard.That(codec is not null, "Unrecognized codec read");
            Guard.Decoded(codec.Type is PrimitiveDataViewType);
            Vocabulary values = Empty((PrimitiveDataViewType)codec.Type);
            values.ReadValues(ctx.Reader, codec);
            return values;
        }
        var texts = new Vocabulary<ReadOnlyMemory<char>>(TextDataViewType.Instance);
        int count = ctx.Reader.ReadInt32();
        for (int i = 0; i < count; i++)
            Guard.Decoded(texts.TryAdd(ctx.LoadNonEmptyString().AsMemory()));
        return texts;
    }

    public void Save(ModelSaveContext ctx)
    {
        if (this is Vocabulary<ReadOnlyMemory<char>> texts)
        {
            ctx.Writer.Write(TextForm);
            ctx.Writer.Write(texts.Count);
            foreach (ReadOnlyMemory<char> text in texts.Values)
                ctx.SaveNonEmptyString(text.ToString());
            return;
        }
        ctx.Writer.Write(CodecForm);
        ValueCodec codec = ValueCodec.OrNull(ItemType);
        codec.WriteDefinition(ctx.Writer);
        WriteValues(ctx.Writer, codec);
    }

    /// <summary>The vocabulary for people to read.</summary>
    public abstract void WriteText(TextWriter writer);

    /// <summary>A function that learns the values of the current row until there are as many as wanted; then it gives false.</summary>
    public abstract Func<bool> MakeLearner(DataViewRow row, DataViewSchema.Column column, int most);

    public abstract void Sort();

    /// <summary>A getter of the column's keys.</summary>
    public abstract Delegate MakeGetter(DataViewRow row, DataViewSchema.Column column);

    /// <summary>Annotates with the values; for values that are keys themselves, with what those stand for.</summary>
    public abstract void AddKeyValues(DataViewSchema.Annotations.Builder annotations, DataViewSchema.Column source, bool asText);

    protected abstract void ReadValues(BinaryReader reader, ValueCodec codec);

    protected abstract void WriteValues(BinaryWriter writer, ValueCodec codec);
}

/// <summary>A vocabulary of one .NET type.</summary>
internal sealed class Vocabulary<T>(PrimitiveDataViewType itemType) : Vocabulary(itemType)
{
    private readonly Dictionary<T, uint> _keys = new(Comparer);
    private readonly List<T> _values = [];

    public override int Count => _values.Count;

    public IReadOnlyList<T> Values => _values;

    private static IEqualityComparer<T> Comparer => typeof(T) == typeof(ReadOnlyMemory<char>) ? (IEqualityComparer<T>)(object)new TextComparer() : EqualityComparer<T>.Default;

    /// <summary>False for a value that is there already or that means missing.</summary>
    public bool TryAdd(T value)
    {
        if (IsMissing(value) || !_keys.TryAdd(value, (uint)_values.Count + 1))
            return false;
        _values.Add(value);
        return true;
    }

    public override void Sort()
    {
        T[] sorted = typeof(T) == typeof(ReadOnlyMemory<char>) ? [.. _values.OrderBy(value => value.ToString(), StringComparer.Ordinal)] : [.. _values.Order()];
        _keys.Clear();
        _values.Clear();
        foreach (T value in sorted)
            TryAdd(value);
    }

    public override Func<bool> MakeLearner(DataViewRow row, DataViewSchema.Column column, int most)
    {
        if (column.Type is VectorDataViewType)
        {
            ValueGetter<VBuffer<T>> many = row.GetGetter<VBuffer<T>>(column);
            VBuffer<T> values = default;
            return () =>
            {
                many(ref values);
                return values.DenseValues().All(Learn);
            };
        }
        ValueGetter<T> one = row.GetGetter<T>(column);
        T value = default;
        return () =>
        {
            one(ref value);
            return Learn(value);
        };

        bool Learn(T learned) => !TryAdd(learned) || Count < most;
    }

    public override Delegate MakeGetter(DataViewRow row, DataViewSchema.Column column)
    {
        if (column.Type is not VectorDataViewType vector)
        {
            ValueGetter<T> one = row.GetGetter<T>(column);
            T value = default;
            return (ValueGetter<uint>)((ref uint key) =>
            {
                one(ref value);
                key = KeyOf(value);
            });
        }
        ValueGetter<VBuffer<T>> many = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> values = default;
        return (ValueGetter<VBuffer<uint>>)((ref VBuffer<uint> keys) =>
        {
            many(ref values);
            Guard.That(!vector.IsKnownSize || values.Length == vector.Size, $"Column '{column.Name}': TermTransform expects {vector.Size} slots, but got {values.Length}");
            uint[] all = [.. values.DenseValues().Select(KeyOf)];
            SparseVectors.Set(ref keys, all);
        });
    }

    public override void AddKeyValues(DataViewSchema.Annotations.Builder annotations, DataViewSchema.Column source, bool asText)
    {
        if (Count == 0)
            return;
        if (ItemType is KeyDataViewType key && source.Annotations.Schema.GetColumnOrNull(AnnotationKinds.KeyValues) is { Type: VectorDataViewType meant } && (ulong)meant.Size == key.Count)
        {
            int[] places = [.. _values.Select(value => (int)Convert.ToUInt64(value) - 1)];
            KeyValueAnnotations.AddPicked(annotations, source, meant.ItemType, places, asText);
            return;
        }
        T[] values = [.. _values];
        KeyValueAnnotations.Add(annotations, ItemType, () => values, asText);
    }

    public override void WriteText(TextWriter writer)
    {
        writer.WriteLine(ItemType is TextDataViewType ? $"# Number of terms = {Count}" : $"# Number of terms of type '{ItemType}' = {Count}");
        for (int i = 0; i < Count; i++)
            writer.WriteLine($"{i}\t{TextWriting.Of(_values[i], ItemType)}");
    }

    protected override void ReadValues(BinaryReader reader, ValueCodec codec)
    {
        int count = reader.ReadInt32();
        if (count == 0)
            return;
        foreach (T value in ((ValueCodec<T>)codec).ReadBlock(reader, count))
            Guard.That(TryAdd(value), "Duplicate items in a vocabulary");
    }

    protected override void WriteValues(BinaryWriter writer, ValueCodec codec)
    {
        writer.Write(Count);
        ((ValueCodec<T>)codec).WriteBlock(writer, _values);
    }

    private uint KeyOf(T value) => _keys.GetValueOrDefault(value);

    private bool IsMissing(T value) => value switch
    {
        ReadOnlyMemory<char> text => text.IsEmpty,
        float number => float.IsNaN(number),
        double number => double.IsNaN(number),
        _ => ItemType is KeyDataViewType && Convert.ToUInt64(value) == 0,
    };

    private sealed class TextComparer : IEqualityComparer<ReadOnlyMemory<char>>
    {
        public bool Equals(ReadOnlyMemory<char> a, ReadOnlyMemory<char> b) => a.Span.SequenceEqual(b.Span);

        public int GetHashCode(ReadOnlyMemory<char> text) => string.GetHashCode(text.Span);
    }
}
