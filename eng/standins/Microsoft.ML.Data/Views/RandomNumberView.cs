using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>A view with one more column: a number in [0, 1) per row that depends on the seed and the row's position alone.</summary>
internal sealed class RandomNumberView : IDataView
{
    private const uint DefaultSeed = 42;

    private readonly IDataView _source;
    private readonly uint _seed;

    public RandomNumberView(IHostEnvironment env, IDataView source, string name, int? seed)
    {
        env.Register("GenerateNumber");
        _source = source;
        _seed = (uint?)seed ?? DefaultSeed;
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.AddPrimitiveValue(AnnotationKinds.IsNormalized, BooleanDataViewType.Instance, true);
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(source.Schema);
        builder.AddColumn(name, NumberDataViewType.Single, annotations.ToAnnotations());
        Schema = builder.ToSchema();
    }

    public DataViewSchema Schema { get; }

    public bool CanShuffle => false;

    public long? GetRowCount() => _source.GetRowCount();

    public DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random rand = null)
    {
        bool[] active = ColumnSet.Of(Schema, columnsNeeded);
        return new Cursor(this, _source.GetRowCursor(_source.Schema.Where(column => active[column.Index])), active);
    }

    public DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random rand = null) => [GetRowCursor(columnsNeeded)];

    private sealed class Cursor(RandomNumberView view, DataViewRowCursor input, bool[] active) : LinkedCursor(view.Schema, input, active)
    {
        private readonly TauswortheRandom _random = new(view._seed);
        private long _drawnFor = -1;
        private float _number;

        public override bool MoveNext() => Input.MoveNext();

        public override ValueGetter<TValue> GetGetter<TValue>(DataViewSchema.Column column)
        {
            if (column.Index < Input.Schema.Count)
                return base.GetGetter<TValue>(column);
            ColumnSet.Require(Active, column);
            ValueGetter<float> getter = (ref float value) => value = Number();
            return Getters.Typed<TValue>(getter);
        }

        private float Number()
        {
            Guard.That(Position >= 0, RootCursor.FetchError);
            for (; _drawnFor < Position; _drawnFor++)
                _number = _random.NextSingle();
            return _number;
        }
    }
}
