using System.Collections;

namespace Microsoft.ML;

/// <summary>The columns of a view. Of columns with the same name the last one is visible, the others are hidden.</summary>
public sealed partial class DataViewSchema : IReadOnlyList<DataViewSchema.Column>
{
    private readonly Column[] _columns;
    private readonly Dictionary<string, int> _visible;

    private DataViewSchema(Column[] columns, Dictionary<string, int> visible)
    {
        _columns = columns;
        _visible = visible;
    }

    public int Count => _columns.Length;

    public Column this[int columnIndex]
    {
        get
        {
            Guard.InRange((uint)columnIndex < (uint)_columns.Length, nameof(columnIndex));
            return _columns[columnIndex];
        }
    }

    public Column this[string name]
    {
        get
        {
            Guard.NotEmpty(name, nameof(name));
            Guard.InRange(_visible.TryGetValue(name, out int index), nameof(name), $"Column '{name}' not found");
            return _columns[index];
        }
    }

    public Column? GetColumnOrNull(string name)
    {
        Guard.NotEmpty(name, nameof(name));
        return _visible.TryGetValue(name, out int index) ? _columns[index] : null;
    }

    public IEnumerator<Column> GetEnumerator() => ((IEnumerable<Column>)_columns).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() => $"{Count} columns";

    /// <summary>Collects columns and makes a schema of them.</summary>
    public sealed class Builder
    {
        private readonly List<DetachedColumn> _columns = [];

        public Builder()
        {
        }

        public void AddColumn(string name, Data.DataViewType type, Annotations annotations = null) =>
            _columns.Add(new DetachedColumn(name, type, annotations));

        public void AddColumns(IEnumerable<Column> source)
        {
            foreach (Column column in source)
                _columns.Add(new DetachedColumn(column));
        }

        public void AddColumns(IEnumerable<DetachedColumn> source)
        {
            foreach (DetachedColumn column in source)
                AddColumn(column.Name, column.Type, column.Annotations);
        }

        public DataViewSchema ToSchema()
        {
            var visible = new Dictionary<string, int>();
            for (int i = 0; i < _columns.Count; i++)
                visible[_columns[i].Name] = i;
            var columns = new Column[_columns.Count];
            for (int i = 0; i < columns.Length; i++)
                columns[i] = new Column(_columns[i], i, isHidden: visible[_columns[i].Name] != i);
            return new DataViewSchema(columns, visible);
        }
    }
}
