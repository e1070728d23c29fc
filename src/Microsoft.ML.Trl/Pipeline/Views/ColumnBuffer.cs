using System.Reflection;
using Microsoft.ML.Data;

namespace Microsoft.ML.Trl.Pipeline;

/// <summary>Keeps the values of one column for the rows of a batch.</summary>
internal abstract class ColumnBuffer
{
    private static readonly MethodInfo GenericNew = typeof(
        ColumnBuffer).GetMethod(nameof(New), BindingFlags.NonPublic | BindingFlags.Static)!;

    /// <summary>Reads the column's value at the source's current row into a slot.</summary>
    public abstract void Fill(int slot);

    /// <summary>A getter for the value in the slot that <paramref name="current"/> tells.</summary>
    public abstract Delegate Getter(Func<int> current);

    public static ColumnBuffer Create(DataViewRow source, DataViewSchema.Column column, int capacity) =>
        (ColumnBuffer)GenericNew.MakeGenericMethod(
            column.Type.RawType).Invoke(null, BindingFlags.DoNotWrapExceptions, null, [source, column, capacity], null)!;

    private static Typed<T> New<T>(DataViewRow source, DataViewSchema.Column column, int capacity) =>
        new Typed<T>(source.GetGetter<T>(column), capacity);

    private sealed class Typed<T>(ValueGetter<T> read, int capacity) : ColumnBuffer
    {
        // A vector's getter fills the buffer it is given, so each slot keeps arrays of its own.
        private readonly T[] _values = new T[capacity];

        public override void Fill(int slot) => read(ref _values[slot]);

        public override Delegate Getter(Func<int> current) => Copier() is { } copy
            ? (ValueGetter<T>)((ref T value) => copy(in _values[current()], ref value))
            : (ValueGetter<T>)((ref T value) => value = _values[current()]);

        private static VectorCopier<T>? Copier()
        {
            if (!typeof(T).IsGenericType || typeof(T).GetGenericTypeDefinition() != typeof(VBuffer<>))
                return null;
            MethodInfo method = typeof(ColumnBuffer).GetMethod(nameof(CopyVector), BindingFlags.NonPublic | BindingFlags.Static)!;
            return method.MakeGenericMethod(typeof(T).GetGenericArguments()).CreateDelegate<VectorCopier<T>>();
        }
    }

    private delegate void VectorCopier<T>(in T source, ref T target);

    private static void CopyVector<TItem>(in VBuffer<TItem> source, ref VBuffer<TItem> target) => source.CopyTo(ref target);
}
