using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>Reads rows from one source cursor, a batch ahead, and computes the wanted columns for the whole batch.</summary>
internal sealed class BatchedCursor : DataViewRowCursor
{
    private readonly DataViewRowCursor _source;
    private readonly IBatchMap _map;
    private readonly bool[] _active;
    private readonly bool[] _wanted;
    private readonly bool _computes;
    private readonly ColumnBuffer?[] _buffers;
    private readonly ValueGetter<ReadOnlyMemory<char>>[] _inputs;
    private readonly ValueGetter<DataViewRowId> _idGetter;
    private readonly DataViewRowId[] _ids;
    private readonly long[] _batches;
    private readonly int _capacity;
    private Array?[] _computed;
    private int _count;
    private int _slot = -1;
    private long _position = -1;

    public BatchedCursor(DataViewRowCursor source, IBatchMap map, DataViewSchema schema, bool[] active)
    {
        _source = source;
        _map = map;
        Schema = schema;
        _active = active;
        int offset = source.Schema.Count;
        _wanted = [.. map.Outputs.Select((_, i) => active[offset + i])];
        _computes = _wanted.Contains(true);
        _capacity = _computes ? map.BatchSize : 1;
        _buffers = [.. source.Schema.Select(column => active[column.Index] ? ColumnBuffer.Create(source, column, _capacity) : null)];
        _inputs = _computes ? [.. map.Inputs.Select(source.GetGetter<ReadOnlyMemory<char>>)] : [];
        _idGetter = source.GetIdGetter();
        _ids = new DataViewRowId[_capacity];
        _batches = new long[_capacity];
        _computed = new Array?[map.Outputs.Count];
    }

    public override DataViewSchema Schema { get; }
    public override long Position => _position;
    public override long Batch => _batches[Math.Max(_slot, 0)];

    public override bool IsColumnActive(DataViewSchema.Column column) => _active[column.Index];

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ref DataViewRowId id) => id = _ids[Slot()];

    public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
    {
        if (!_active[column.Index])
            throw new ArgumentException($"Column '{column.Name}' was not asked for when this cursor was made.", nameof(column));
        int output = column.Index - _buffers.Length;
        Delegate getter = output < 0 ? _buffers[column.Index]!.Getter(Slot) : AddedGetter(output);
        return getter as ValueGetter<TValue>
            ?? throw new InvalidOperationException(
                $"Invalid TValue in GetGetter: column '{column.Name}' has type {column.Type}, asked for {typeof(TValue)}.");
    }

    public override bool MoveNext()
    {
        if (_slot + 1 >= _count && !ReadBatch())
        {
            _slot = -1;
            _position = -1;
            return false;
        }
        _slot++;
        _position++;
        return true;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _source.Dispose();
        base.Dispose(disposing);
    }

    private int Slot() => _slot >= 0 ? _slot : throw new InvalidOperationException(
        "The cursor stands before the first or after the last row: call MoveNext first.");

    private Delegate AddedGetter(int output) => AddedColumns.Getter(_map.Outputs[output], () => _computed[output]!, Slot);

    private bool ReadBatch()
    {
        _slot = -1;
        _count = 0;
        string[][] texts = [.. _inputs.Select(_ => new string[_capacity])];
        while (_count < _capacity && _source.MoveNext())
        {
            for (int i = 0; i < _inputs.Length; i++)
            {
                ReadOnlyMemory<char> text = default;
                _inputs[i](ref text);
                texts[i][_count] = text.ToString();
            }
            foreach (ColumnBuffer? buffer in _buffers)
                buffer?.Fill(_count);
            _idGetter(ref _ids[_count]);
            _batches[_count] = _source.Batch;
            _count++;
        }
        if (_count == 0)
            return false;
        if (_computes)
            _computed = _map.Compute([.. texts.Select(rows => rows[.._count])], _wanted, _position + 1);
        return true;
    }
}
