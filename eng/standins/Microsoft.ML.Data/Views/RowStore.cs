namespace Microsoft.ML.Data;

/// <summary>The values of one column of some rows, copied out of a cursor.</summary>
internal abstract class RowStore
{
    /// <summary>True for the types whose values may be copied and kept.</summary>
    public static bool CanKeep(DataViewType type) => type is PrimitiveDataViewType or VectorDataViewType;

    public static RowStore Create(DataViewRow row, DataViewSchema.Column column) =>
        (RowStore)Activator.CreateInstance(TypeFor(column.Type), Getters.Of(row, column));

    public static RowStore Ids(DataViewRow row) => new Simple<DataViewRowId>(row.GetIdGetter());

    /// <summary>Keeps the current row's value behind the others.</summary>
    public abstract void Add();

    /// <summary>Keeps the current row's value in a slot, which exists or is the next.</summary>
    public abstract void Put(int slot);

    /// <summary>A <see cref="ValueGetter{TValue}"/> that gives the value of the slot that <paramref name="slot"/> names.</summary>
    public abstract Delegate MakeGetter(Func<int> slot);

    private static Type TypeFor(DataViewType type) =>
        type is VectorDataViewType vector ? typeof(Vectors<>).MakeGenericType(vector.ItemType.RawType) : typeof(Simple<>).MakeGenericType(type.RawType);

    private sealed class Simple<T>(Delegate getter) : RowStore
    {
        private readonly ValueGetter<T> _getter = (ValueGetter<T>)getter;
        private readonly List<T> _values = [];

        public override void Add() => Put(_values.Count);

        public override void Put(int slot)
        {
            T value = default;
            _getter(ref value);
            if (slot == _values.Count)
                _values.Add(value);
            else
                _values[slot] = value;
        }

        public override Delegate MakeGetter(Func<int> slot) => (ValueGetter<T>)((ref T value) => value = _values[slot()]);
    }

    private sealed class Vectors<T>(Delegate getter) : RowStore
    {
        private readonly ValueGetter<VBuffer<T>> _getter = (ValueGetter<VBuffer<T>>)getter;
        private readonly List<VBuffer<T>> _values = [];

        public override void Add() => Put(_values.Count);

        public override void Put(int slot)
        {
            // The getter may fill the buffer that it is given, so each slot has its own.
            VBuffer<T> value = slot < _values.Count ? _values[slot] : default;
            _getter(ref value);
            if (slot == _values.Count)
                _values.Add(value);
            else
                _values[slot] = value;
        }

        public override Delegate MakeGetter(Func<int> slot) => (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) => _values[slot()].CopyTo(ref value));
    }
}
