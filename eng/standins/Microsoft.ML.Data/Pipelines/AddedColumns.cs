namespace Microsoft.ML.Data;

/// <summary>A schema with further columns. One that hides another of its name stands right behind that; the others come last.</summary>
internal sealed class AddedColumns
{
    // Index of an input column, or the complement of an added one's.
    private readonly List<int> _origins;
    private readonly int[] _places;

    public AddedColumns(DataViewSchema input, IReadOnlyList<DataViewSchema.DetachedColumn> added)
    {
        _origins = [.. Enumerable.Range(0, input.Count)];
        string NameOf(int origin) => origin >= 0 ? input[origin].Name : added[~origin].Name;
        for (int i = 0; i < added.Count; i++)
        {
            int hidden = _origins.FindLastIndex(origin => NameOf(origin) == added[i].Name);
            _origins.Insert(hidden < 0 ? _origins.Count : hidden + 1, ~i);
        }
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(_origins.Select(origin => origin >= 0 ? new DataViewSchema.DetachedColumn(input[origin]) : added[~origin]));
        Schema = builder.ToSchema();
        _places = [.. Enumerable.Range(0, added.Count).Select(i => _origins.IndexOf(~i))];
    }

    public DataViewSchema Schema { get; }

    /// <summary>The index of an added column in <see cref="Schema"/>.</summary>
    public int PlaceOf(int added) => _places[added];

    /// <summary>True with the index in the input, or false with the index among the added columns.</summary>
    public bool IsInput(int index, out int origin)
    {
        origin = _origins[index];
        bool isInput = origin >= 0;
        if (!isInput)
            origin = ~origin;
        return isInput;
    }
}
