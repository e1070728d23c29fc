namespace Microsoft.ML.Data;

/// <summary>
/// Number of vectors; their common length, or 0 followed by the length of each; for each the number of its explicit values, -1
/// when it is dense; number of indices and indices; all values as the item's codec writes them.
/// </summary>
internal sealed class VectorCodec<T>(VectorDataViewType type, ValueCodec item) : ValueCodec<VBuffer<T>>(type, "VBuffer")
{
    private readonly ValueCodec<T> _item = (ValueCodec<T>)item;

    public override void WriteBlock(BinaryWriter writer, IReadOnlyList<VBuffer<T>> values)
    {
        writer.Write(values.Count);
        WriteLengths(writer, values);
        foreach (VBuffer<T> value in values)
            writer.Write(value.IsDense ? -1 : value.GetValues().Length);
        int[] indices = [.. values.SelectMany(value => value.GetIndices().ToArray())];
        writer.Write(indices.Length);
        foreach (int index in indices)
            writer.Write(index);
        _item.WriteBlock(writer, [.. values.SelectMany(value => value.GetValues().ToArray())]);
    }

    public override VBuffer<T>[] ReadBlock(BinaryReader reader, int count)
    {
        Guard.Decoded(reader.ReadInt32() == count);
        int common = reader.ReadInt32();
        bool isFixed = type.Size > 0;
        Guard.Decoded(!isFixed || common == type.Size);
        int[] lengths = isFixed || common > 0 ? [.. Enumerable.Repeat(common, count)] : Integers(reader, count);
        int[] counts = Integers(reader, count);
        int[] indices = Integers(reader, reader.ReadInt32());
        T[] items = _item.ReadBlock(reader, counts.Zip(lengths, (explicitly, length) => explicitly < 0 ? length : explicitly).Sum());
        var values = new VBuffer<T>[count];
        int item = 0;
        int index = 0;
        for (int i = 0; i < count; i++)
        {
            bool isDense = counts[i] < 0;
            int size = isDense ? lengths[i] : counts[i];
            T[] own = items[item..(item + size)];
            values[i] = isDense ? new VBuffer<T>(size, own) : new VBuffer<T>(lengths[i], size, own, indices[index..(index + size)]);
            item += size;
            index += isDense ? 0 : size;
        }
        return values;
    }

    protected override void WriteParameters(BinaryWriter writer)
    {
        _item.WriteDefinition(writer);
        writer.Write(type.Dimensions.Length);
        foreach (int dimension in type.Dimensions)
            writer.Write(dimension);
    }

    private static int[] Integers(BinaryReader reader, int count) => [.. Enumerable.Range(0, count).Select(_ => reader.ReadInt32())];

    private void WriteLengths(BinaryWriter writer, IReadOnlyList<VBuffer<T>> values)
    {
        if (type.Size > 0)
        {
            Guard.That(values.All(value => value.Length == type.Size), $"Length mismatch: expected {type.Size} slots in every vector");
            writer.Write(type.Size);
            return;
        }
        int common = values.Count > 0 && values.All(value => value.Length == values[0].Length) ? values[0].Length : 0;
        writer.Write(common);
        if (common > 0)
            return;
        foreach (VBuffer<T> value in values)
            writer.Write(value.Length);
    }
}
