using System.Reflection;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>Which values stay. A missing key never stays, and neither does NaN where the range itself stays.</summary>
internal sealed record ValueRange(double Lower, double Upper, bool IncludesUpper, bool IsComplement = false)
{
    public bool Accepts(double value)
    {
        bool isBelow = Lower > value;
        bool isAbove = IncludesUpper ? value > Upper : value >= Upper;
        bool isInside = Lower <= value && (IncludesUpper ? value <= Upper : value < Upper);
        // Written out for NaN, which is neither inside nor below nor above.
        return IsComplement ? isBelow || isAbove : isInside;
    }
}

/// <summary>The rows whose number, or key as a fraction of all keys, lies in a range.</summary>
internal sealed class RangeFilterView : FilterView
{
    private static readonly MethodInfo OpenKeyTest = typeof(RangeFilterView).GetMethod(nameof(KeyTest), BindingFlags.NonPublic | BindingFlags.Instance);

    private readonly DataViewSchema.Column _column;
    private readonly ValueRange _range;

    public RangeFilterView(IHostEnvironment env, IDataView source, string column, ValueRange range)
        : base(source, [column])
    {
        IHost host = env.Register("RangeFilter");
        _column = source.Schema.GetColumnOrNull(column) ?? throw Fail.Argument("Column", $"Source column '{column}' not found", host);
        Guard.Argument(CanFilter(_column.Type), "Column", $"Column '{column}' does not have compatible type", host);
        Guard.Argument(range.Lower <= range.Upper, "Min", "min must be less than or equal to max", host);
        bool reachesLastKey = _column.Type is KeyDataViewType && range.Upper >= 1;
        _range = range with { IncludesUpper = range.IncludesUpper || reachesLastKey };
    }

    public static bool CanFilter(DataViewType type) =>
        type is KeyDataViewType || type == NumberDataViewType.Single || type == NumberDataViewType.Double;

    protected override Func<bool> MakeTest(DataViewRow row)
    {
        if (_column.Type is KeyDataViewType key)
            return (Func<bool>)Getters.Call(OpenKeyTest, this, key.RawType, row, key);
        if (_column.Type == NumberDataViewType.Single)
        {
            ValueGetter<float> singles = row.GetGetter<float>(_column);
            float single = 0;
            return () =>
            {
                singles(ref single);
                return _range.Accepts(single);
            };
        }
        ValueGetter<double> doubles = row.GetGetter<double>(_column);
        double number = 0;
        return () =>
        {
            doubles(ref number);
            return _range.Accepts(number);
        };
    }

    private Func<bool> KeyTest<TKey>(DataViewRow row, KeyDataViewType type)
    {
        ValueGetter<TKey> getter = row.GetGetter<TKey>(_column);
        TKey value = default;
        return () =>
        {
            getter(ref value);
            ulong key = Convert.ToUInt64(value);
            return key > 0 && key <= type.Count && _range.Accepts(((uint)key - 0.5) / type.Count);
        };
    }
}
