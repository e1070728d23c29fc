using System.Text;

namespace Microsoft.ML.Data;

/// <summary>One line of a text file: dense, or dense up to a column and sparse from there, whichever is shorter.</summary>
internal sealed class TextLine(TextSaverOptions options, string[] defaults)
{
    // What a sparse item costs, in dense ones.
    private const double ItemWeight = 2.5;
    private const int ShortestSparse = 5;

    private readonly List<(int Index, string Text)> _items = [];
    private readonly List<(int End, int Items)> _columns = [];

    /// <summary>Number of fields, those that are not stored included.</summary>
    public int Length => _columns.Count == 0 ? 0 : _columns[^1].End;

    /// <summary>Stores the text of a slot of the current column, unless it is what is written anyway.</summary>
    public void Add(int slot, string text)
    {
        if (text != DefaultOf(_columns.Count))
            _items.Add((Length + slot, text));
    }

    public void EndColumn(int size) => _columns.Add((Length + size, _items.Count));

    /// <summary>The line; then the next one begins.</summary>
    public string End()
    {
        int denseColumns = options.IsDense ? _columns.Count : BestDenseColumns();
        var line = new StringBuilder();
        int denseLength = denseColumns > 0 ? _columns[denseColumns - 1].End : 0;
        int place = WriteDense(line, denseLength);
        if (denseColumns < _columns.Count)
            WriteSparse(line, denseColumns, denseLength, place);
        _items.Clear();
        _columns.Clear();
        return line.ToString();
    }

    private string DefaultOf(int column) => defaults[Math.Min(column, defaults.Length - 1)];

    private int BestDenseColumns()
    {
        int best = 0;
        double lowest = ItemWeight * _items.Count;
        for (int i = 0; i < _columns.Count; i++)
        {
            double cost = _columns[i].End + (ItemWeight * (_items.Count - _columns[i].Items));
            if (cost >= lowest)
                continue;
            lowest = cost;
            best = i + 1;
        }
        int dense = best > 0 ? _columns[best - 1].End : 0;
        int sparse = Length - dense;
        return sparse < ShortestSparse || sparse < dense / 5 ? _columns.Count : best;
    }

    /// <summary>Writes the first fields and returns the number of items that were used.</summary>
    private int WriteDense(StringBuilder line, int length)
    {
        int place = 0;
        int column = 0;
        for (int i = 0; i < length; i++)
        {
            while (i >= _columns[column].End)
                column++;
            if (i > 0)
                line.Append(options.Separator);
            bool isStored = place < _items.Count && _items[place].Index == i;
            line.Append(isStored ? _items[place++].Text : DefaultOf(column));
        }
        return place;
    }

    private void WriteSparse(StringBuilder line, int denseColumns, int denseLength, int place)
    {
        if (denseColumns > 0)
            line.Append(options.Separator);
        line.Append(Length - denseLength);
        if (place == _items.Count)
            line.Append(options.Separator).Append("0:").Append(DefaultOf(denseColumns));
        for (; place < _items.Count; place++)
            line.Append(options.Separator).Append(_items[place].Index - denseLength).Append(':').Append(_items[place].Text);
    }
}
