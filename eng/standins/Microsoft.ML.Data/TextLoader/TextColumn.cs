namespace Microsoft.ML.Data;

/// <summary>Fields from <see cref="Min"/> up to <see cref="Limit"/>, which is not included.</summary>
internal readonly record struct Segment(int Min, int Limit, bool ForceVector)
{
    /// <summary>Limit of a segment that goes to the end of each line.</summary>
    public const int EndOfLine = int.MaxValue;

    public bool IsVariable => Limit == EndOfLine;
}

/// <summary>A column of a text file with the fields that it is made of.</summary>
internal sealed class TextColumn
{
    public TextColumn(string name, PrimitiveDataViewType itemType, Segment[] segments, bool isFromFile = false)
    {
        Segment[] ordered = [.. segments.OrderBy(segment => segment.Min)];
        for (int i = 1; i < ordered.Length; i++)
        {
            if (ordered[i - 1].Limit <= ordered[i].Min)
                continue;
            string message = $"Intervals specified for column '{name}' overlap";
            throw isFromFile ? Fail.Decode(message) : Fail.Argument(nameof(TextLoader.Column.Source), message);
        }
        Name = name;
        ItemType = itemType;
        Segments = segments;
        FixedSize = segments.Where(segment => !segment.IsVariable).Sum(segment => segment.Limit - segment.Min);
        bool isVariable = segments.Any(segment => segment.IsVariable);
        Type = isVariable ? new VectorDataViewType(itemType)
            : FixedSize > 1 || segments[0].ForceVector ? new VectorDataViewType(itemType, FixedSize)
            : itemType;
    }

    public string Name { get; }

    public PrimitiveDataViewType ItemType { get; }

    public DataViewType Type { get; }

    public Segment[] Segments { get; }

    /// <summary>Number of values without those of a segment that goes to the end of the line.</summary>
    public int FixedSize { get; }

    /// <summary>Number of values in a line with so many fields.</summary>
    public int SizeIn(int fieldCount)
    {
        int size = FixedSize;
        foreach (Segment segment in Segments)
        {
            if (segment.IsVariable)
                size += Math.Max(fieldCount - segment.Min, 0);
        }
        return size;
    }
}
