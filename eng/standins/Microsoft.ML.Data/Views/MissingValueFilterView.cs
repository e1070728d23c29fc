using System.Reflection;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.Data;

/// <summary>The rows without a missing value (NaN, or key 0) in some columns, in no slot of a vector.</summary>
internal sealed class MissingValueFilterView : FilterView
{
    private static readonly MethodInfo OpenScalar = typeof(MissingValueFilterView).GetMethod(nameof(ScalarTest), BindingFlags.NonPublic | BindingFlags.Static);
    private static readonly MethodInfo OpenVector = typeof(MissingValueFilterView).GetMethod(nameof(VectorTest), BindingFlags.NonPublic | BindingFlags.Static);

    private readonly DataViewSchema.Column[] _columns;

    public MissingValueFilterView(IHostEnvironment env, IDataView source, string[] columns)
        : base(source, columns)
    {
        IHost host = env.Register("MissingValueFilter");
        _columns = new DataViewSchema.Column[columns.Length];
        for (int i = 0; i < columns.Length; i++)
        {
            string name = columns[i];
            _columns[i] = source.Schema.GetColumnOrNull(name) ?? throw Fail.Argument("Columns", $"Source column '{name}' not found", host);
            Guard.Argument(Array.IndexOf(columns, name) == i, "Columns", $"Source column '{name}' specified multiple times", host);
            DataViewType item = BuiltInTypes.ItemTypeOf(_columns[i].Type);
            Guard.Argument(item is KeyDataViewType || item == NumberDataViewType.Single || item == NumberDataViewType.Double, "Columns",
                $"Column '{name}' has type {_columns[i].Type} which does not support missing values, so we cannot filter on them", host);
        }
    }

    protected override Func<bool> MakeTest(DataViewRow row)
    {
        Func<bool>[] tests = [.. _columns.Select(column => column.Type is VectorDataViewType vector
            ? (Func<bool>)Getters.Call(OpenVector, null, vector.ItemType.RawType, row, column, vector.ItemType is KeyDataViewType)
            : (Func<bool>)Getters.Call(OpenScalar, null, column.Type.RawType, row, column))];
        return () => tests.All(isPresent => isPresent());
    }

    private static Func<bool> ScalarTest<T>(DataViewRow row, DataViewSchema.Column column)
    {
        ValueGetter<T> getter = row.GetGetter<T>(column);
        T value = default;
        return () =>
        {
            getter(ref value);
            return !IsMissing(value);
        };
    }

    private static Func<bool> VectorTest<T>(DataViewRow row, DataViewSchema.Column column, bool isKey)
    {
        ValueGetter<VBuffer<T>> getter = row.GetGetter<VBuffer<T>>(column);
        VBuffer<T> value = default;
        return () =>
        {
            getter(ref value);
            // What a sparse vector of keys does not say is the missing key.
            if (isKey && !value.IsDense)
                return false;
            foreach (T item in value.GetValues())
            {
                if (IsMissing(item))
                    return false;
            }
            return true;
        };
    }

    private static bool IsMissing<T>(T value) => value switch
    {
        float single => float.IsNaN(single),
        double number => double.IsNaN(number),
        _ => EqualityComparer<T>.Default.Equals(value, default),
    };
}
