using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Each row as often as a Poisson distribution with mean 1 says; or, as complement, those it would leave out.</summary>
internal sealed class BootstrapView : IDataView
{
    private readonly IDataView _source;
    private readonly uint _seed;
    private readonly bool _isComplement;

    public BootstrapView(IHostEnvironment env, IDataView source, int? seed, bool complement)
    {
        IHost host = env.Register("BootstrapSample");
        _source = source;
        _seed = (uint?)seed ?? (uint)host.Rand.Next();
        _isComplement = complement;
    }

    public DataViewSchema Schema => _source.Schema;

    public bool CanShuffle => false;

    public long? GetRowCount() => null;

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        DataViewSchema.Column[] columns = [.. columnsNeeded];
        return new Cursor(this, _source.GetRowCursor(columns), ColumnSet.Of(Schema, columns));
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded)];

    private sealed class Cursor(BootstrapView view, DataViewRowCursor input, bool[] active) : FilterCursor(view.Schema, input, active)
    {
        private static readonly double Bound = Math.Exp(-1);

        private readonly TauswortheRandom _random = new(view._seed);
        private int _remaining;

        public override long Batch => 0;

        public override ValueGetter<DataViewRowId> GetIdGetter()
        {
            ValueGetter<DataViewRowId> ofInput = base.GetIdGetter();
            return (ref DataViewRowId id) =>
            {
                ofInput(ref id);
                // Copies of a row have different ids.
                id = id.Combine(new DataViewRowId((ulong)_remaining, 0));
            };
        }

        protected override bool Advance()
        {
            while (_remaining == 0 && Input.MoveNext())
            {
                int copies = Poisson();
                _remaining = !view._isComplement ? copies : copies == 0 ? 1 : 0;
            }
            return _remaining-- > 0;
        }

        /// <summary>Knuth's method with mean 1.</summary>
        private int Poisson()
        {
            int count = 0;
            for (double product = _random.NextDouble(); product > Bound; product *= _random.NextDouble())
                count++;
            return count;
        }
    }
}
