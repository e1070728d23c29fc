using System.Reflection;

namespace Microsoft.ML.Data;

/// <summary>
/// Adds the column by which rows are split: keys as they are, numbers scaled to [0, 1], everything else hashed, so that rows
/// with equal values stay together.
/// </summary>
internal sealed class SplitKeyMapper : RowMapper
{
    private const uint DefaultSeed = 314489979;

    private static readonly MethodInfo OpenScalar = typeof(SplitKeyMapper).GetMethod(nameof(HashScalar), BindingFlags.NonPublic | BindingFlags.Instance);
    private static readonly MethodInfo OpenVector = typeof(SplitKeyMapper).GetMethod(nameof(HashVector), BindingFlags.NonPublic | BindingFlags.Instance);

    private readonly DataViewSchema.Column _source;
    private readonly string _name;
    private readonly uint _seed;
    private readonly double _offset;
    private readonly double _scale;

    public SplitKeyMapper(IDataView data, DataViewSchema.Column source, string name, int? seed)
        : base(data.Schema)
    {
        _source = source;
        _name = name;
        _seed = (uint?)seed ?? DefaultSeed;
        if (IsNumber)
            (_offset, _scale) = Range(data, source);
    }

    private bool IsNumber => _source.Type == NumberDataViewType.Single || _source.Type == NumberDataViewType.Double;

    public override IEnumerable<int> InputsOf(Func<int, bool> isActiveOutput) => isActiveOutput(0) ? [_source.Index] : [];

    protected override DataViewSchema.DetachedColumn[] MakeOutputs()
    {
        DataViewType type = RangeFilterView.CanFilter(_source.Type) ? _source.Type : new KeyDataViewType(typeof(uint), 1 << ValueHash.Bits);
        return [new DataViewSchema.DetachedColumn(_name, type)];
    }

    protected override Delegate MakeGetter(DataViewRow input, int output, out Action disposer)
    {
        disposer = null;
        DataViewSchema.Column source = input.Schema[_source.Index];
        if (IsNumber)
            return source.Type == NumberDataViewType.Single ? Scale(input.GetGetter<float>(source)) : Scale(input.GetGetter<double>(source));
        if (source.Type is KeyDataViewType)
            return Getters.Of(input, source);
        if (source.Type is VectorDataViewType vector)
            return (Delegate)Getters.Call(OpenVector, this, vector.ItemType.RawType, input, source, vector.ItemType is KeyDataViewType);
        return source.Type switch
        {
            DateTimeDataViewType => Hash(input.GetGetter<DateTime>(source), value => value.Ticks),
            DateTimeOffsetDataViewType => Hash(input.GetGetter<DateTimeOffset>(source), value => value.UtcDateTime.Ticks),
            TimeSpanDataViewType => Hash(input.GetGetter<TimeSpan>(source), value => value.Ticks),
            _ => (Delegate)Getters.Call(OpenScalar, this, source.Type.RawType, input, source),
        };
    }

    private static (double Offset, double Scale) Range(IDataView data, DataViewSchema.Column column)
    {
        double lowest = double.PositiveInfinity;
        double highest = double.NegativeInfinity;
        IEnumerable<double> values = column.Type == NumberDataViewType.Single
            ? data.GetColumn<float>(column).Select(value => (double)value)
            : data.GetColumn<double>(column);
        foreach (double value in values.Where(double.IsFinite))
        {
            lowest = Math.Min(lowest, value);
            highest = Math.Max(highest, value);
        }
        if (!(highest > lowest))
            return (0, 0);
        // In the column's own precision, as the normalizer computes it.
        return column.Type == NumberDataViewType.Single ? (lowest, 1 / ((float)highest - (float)lowest)) : (lowest, 1 / (highest - lowest));
    }

    private ValueGetter<float> Scale(ValueGetter<float> getter)
    {
        float raw = 0;
        return (ref float value) =>
        {
            getter(ref raw);
            value = (raw - (float)_offset) * (float)_scale;
        };
    }

    private ValueGetter<double> Scale(ValueGetter<double> getter)
    {
        double raw = 0;
        return (ref double value) =>
        {
            getter(ref raw);
            value = (raw - _offset) * _scale;
        };
    }

    private ValueGetter<uint> Hash<T>(ValueGetter<T> getter, Func<T, long> number)
    {
        T raw = default;
        return (ref uint value) =>
        {
            getter(ref raw);
            value = ValueHash.OfScalar(_seed, number(raw), isKey: false);
        };
    }

    private ValueGetter<uint> HashScalar<T>(DataViewRow row, DataViewSchema.Column column)
    {
        ValueGetter<T> getter = row.GetGetter<T>(column);
        T raw = default;
        return (ref uint value) =>
        {
            getter(ref raw);
            value = ValueHash.OfScalar(_seed, raw, isKey: false);
        };
    }

    private ValueGetter<uint> HashVector<T>(DataViewRow row, DataViewSchema.Column column, bool isKey)
    {
        ValueGetter<VBuffer<T>> getter = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> raw = default;
        return (ref uint value) =>
        {
            getter(ref raw);
            value = ValueHash.OfVector(_seed, raw, isKey);
        };
    }
}
