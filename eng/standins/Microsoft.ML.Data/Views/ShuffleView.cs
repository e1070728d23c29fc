using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>
/// Rows in a pseudo-random order: drawn from a pool that is refilled from the source, which is asked to shuffle too. The same
/// seed gives the same order in every pass. Columns that cannot be kept are not part of the view.
/// </summary>
internal sealed class ShuffleView : IDataView
{
    private readonly IDataView _source;
    private readonly int _poolRows;
    private readonly bool _shufflesSource;
    private readonly int _seed;

    public ShuffleView(IHostEnvironment env, IDataView source, int? seed, int poolRows, bool shuffleSource)
    {
        IHost host = env.Register("Shuffle");
        _seed = seed ?? ((TauswortheRandom)host.Rand).NextSigned();
        _source = ColumnSubsetView.Keepable(source);
        _poolRows = poolRows;
        _shufflesSource = shuffleSource;
    }

    public DataViewSchema Schema => _source.Schema;

    public bool CanShuffle => true;

    public long? GetRowCount() => _source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        DataViewSchema.Column[] columns = [.. columnsNeeded];
        Random own = rand ?? new TauswortheRandom((uint)_seed);
        Random ofSource = _shufflesSource ? new TauswortheRandom(own) : null;
        DataViewRowCursor input = _source.GetRowCursor(columns, ofSource);
        return _poolRows == 1 ? input : new PoolCursor(input, ColumnSet.Of(Schema, columns), _poolRows, own);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) =>
        [GetRowCursor(columnsNeeded, rand)];
}

/// <summary>Draws rows from a pool of the next rows of another cursor.</summary>
internal sealed class PoolCursor : RootCursor
{
    private readonly DataViewRowCursor _input;
    private readonly Random _random;
    private readonly RowStore[] _columns;
    private readonly RowStore _ids;

    // Slots of the stores: a ring with the pool's rows in order, and the slot that was drawn last, which is free again.
    private readonly int[] _ring;
    private int _first;
    private int _count;
    private int _drawn = -1;
    private int _usedSlots;
    private bool _isInputDone;

    public PoolCursor(DataViewRowCursor input, bool[] active, int poolRows, Random random)
        : base(input.Schema, active)
    {
        _input = input;
        _random = random;
        _columns = [.. input.Schema.Select(column => active[column.Index] ? RowStore.Create(input, column) : null)];
        _ids = RowStore.Ids(input);
        _ring = new int[poolRows];
    }

    public override ValueGetter<DataViewRowId> GetIdGetter() => (ValueGetter<DataViewRowId>)_ids.MakeGetter(() => _drawn);

    protected override Delegate MakeGetter(DataViewSchema.Column column) => _columns[column.Index].MakeGetter(() => _drawn);

    protected override bool Advance()
    {
        while (_count < _ring.Length && !_isInputDone)
            Fill();
        if (_count == 0)
            return false;
        int chosen = (_first + _random.Next(_count)) % _ring.Length;
        _drawn = _ring[chosen];
        // The oldest row takes the place of the drawn one.
        _ring[chosen] = _ring[_first];
        _first = (_first + 1) % _ring.Length;
        _count--;
        return true;
    }

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
            _input.Dispose();
    }

    private void Fill()
    {
        if (!_input.MoveNext())
        {
            _isInputDone = true;
            return;
        }
        int slot = _drawn >= 0 ? _drawn : _usedSlots++;
        _drawn = -1;
        foreach (RowStore column in _columns)
            column?.Put(slot);
        _ids.Put(slot);
        _ring[(_first + _count) % _ring.Length] = slot;
        _count++;
    }
}
