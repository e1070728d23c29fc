using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>The same map for one row at a time, as a prediction engine asks for it.</summary>
internal sealed class BatchRowMapper(DataViewSchema input, IBatchMap map) : IRowToRowMapper
{
    public DataViewSchema InputSchema => input;
    public DataViewSchema OutputSchema { get; } = AddedColumns.Schema(input, map);

    public IEnumerable<DataViewSchema.Column> GetDependencies(IEnumerable<DataViewSchema.Column> dependingColumns)
    {
        bool[] needed = new bool[input.Count];
        foreach (DataViewSchema.Column column in dependingColumns)
            if (column.Index < input.Count)
                needed[column.Index] = true;
            else
                foreach (DataViewSchema.Column read in map.Inputs)
                    needed[read.Index] = true;
        return input.Where(column => needed[column.Index]);
    }

    public DataViewRow GetRow(DataViewRow input, IEnumerable<DataViewSchema.Column> activeColumns)
    {
        bool[] active = new bool[OutputSchema.Count];
        foreach (DataViewSchema.Column column in activeColumns)
            active[column.Index] = true;
        return new MappedRow(input, map, OutputSchema, active);
    }

    private sealed class MappedRow : DataViewRow
    {
        private readonly DataViewRow _source;
        private readonly IBatchMap _map;
        private readonly bool[] _active;
        private readonly bool[] _wanted;
        private readonly ValueGetter<ReadOnlyMemory<char>>[] _inputs;
        private Array?[]? _computed;
        private long _computedAt = long.MinValue;

        public MappedRow(DataViewRow source, IBatchMap map, DataViewSchema schema, bool[] active)
        {
            _source = source;
            _map = map;
            Schema = schema;
            _active = active;
            _wanted = [.. map.Outputs.Select((_, i) => active[source.Schema.Count + i])];
            _inputs = _wanted.Contains(true) ? [.. map.Inputs.Select(source.GetGetter<ReadOnlyMemory<char>>)] : [];
        }

        public override DataViewSchema Schema { get; }
        public override long Position => _source.Position;
        public override long Batch => _source.Batch;

        public override bool IsColumnActive(DataViewSchema.Column column) => _active[column.Index];

        public override ValueGetter<DataViewRowId> GetIdGetter() => _source.GetIdGetter();

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            int output = column.Index - _source.Schema.Count;
            if (output < 0)
                return _source.GetGetter<TValue>(_source.Schema[column.Index]);
            Delegate getter = AddedColumns.Getter(_map.Outputs[output], () => Computed(output), () => 0);
            return getter as ValueGetter<TValue>
                ?? throw new InvalidOperationException(
                    $"Invalid TValue in GetGetter: column '{column.Name}' has type {column.Type}, asked for {typeof(TValue)}.");
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                _source.Dispose();
            base.Dispose(disposing);
        }

        private Array Computed(int output)
        {
            if (_computed is null || _computedAt != _source.Position)
            {
                string[][] texts = [.. _inputs.Select(Read)];
                _computed = _map.Compute(texts, _wanted, _source.Position);
                _computedAt = _source.Position;
            }
            return _computed[output]!;
        }

        private static string[] Read(ValueGetter<ReadOnlyMemory<char>> getter)
        {
            ReadOnlyMemory<char> text = default;
            getter(ref text);
            return [text.ToString()];
        }
    }
}
