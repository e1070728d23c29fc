using System.Collections;

namespace Microsoft.ML.Data;

/// <summary>A dense or sparse vector whose arrays are reused from row to row.</summary>
public readonly struct VBuffer<T> : IEnumerable
{
    private readonly T[] _values;
    private readonly int[] _indices;
    private readonly int _count;

    public readonly int Length;

    public VBuffer(int length, T[] values, int[] indices = null)
        : this(length, length, values, indices, nameof(values))
    {
    }

    public VBuffer(int length, int count, T[] values, int[] indices)
        : this(length, count, values, indices, nameof(values))
    {
    }

    private VBuffer(int length, int count, T[] values, int[] indices, string valuesName)
    {
        Guard.InRange(length >= 0, nameof(length));
        Guard.InRange(count >= 0 && count <= length, nameof(count));
        Guard.InRange(SizeOf(values) >= count, valuesName);
        Guard.InRange(count == length || SizeOf(indices) >= count, nameof(indices));
        Length = length;
        _count = count;
        _values = values;
        _indices = indices;
    }

    public bool IsDense => _count == Length;

    public ReadOnlySpan<T> GetValues() => _values.AsSpan(0, _count);

    public ReadOnlySpan<int> GetIndices() => IsDense ? default : _indices.AsSpan(0, _count);

    public void CopyToDense(ref VBuffer<T> destination)
    {
        VBufferEditor<T> editor = VBufferEditor.Create(ref destination, Length);
        CopyTo(editor.Values);
        destination = editor.Commit();
    }

    public void CopyTo(ref VBuffer<T> destination)
    {
        VBufferEditor<T> editor = VBufferEditor.Create(ref destination, Length, _count);
        GetValues().CopyTo(editor.Values);
        if (!IsDense)
            GetIndices().CopyTo(editor.Indices);
        destination = editor.Commit();
    }

    public void CopyTo(ref VBuffer<T> destination, int sourceIndex, int length)
    {
        Guard.InRange(sourceIndex >= 0 && sourceIndex <= Length, nameof(sourceIndex));
        Guard.InRange(length >= 0 && sourceIndex <= Length - length, nameof(length));
        int from = IsDense ? sourceIndex : FirstAtOrAfter(sourceIndex);
        int to = IsDense ? sourceIndex + length : FirstAtOrAfter(sourceIndex + length);
        VBufferEditor<T> editor = VBufferEditor.Create(ref destination, length, to - from);
        _values.AsSpan(from, to - from).CopyTo(editor.Values);
        for (int i = 0; i < editor.Indices.Length; i++)
            editor.Indices[i] = _indices[from + i] - sourceIndex;
        destination = editor.Commit();
    }

    public void CopyTo(Span<T> destination) => CopyTo(destination, 0);

    public void CopyTo(Span<T> destination, int destinationIndex, T defaultValue = default)
    {
        Guard.InRange(destinationIndex >= 0 && destinationIndex <= destination.Length - Length, nameof(destination), "Not large enough to hold these values.");
        Span<T> target = destination.Slice(destinationIndex, Length);
        if (IsDense)
        {
            GetValues().CopyTo(target);
            return;
        }
        // A vector without any value writes default(T), whatever the caller's default is: so does the real one.
        target.Fill(_count == 0 ? default : defaultValue);
        for (int i = 0; i < _count; i++)
            target[_indices[i]] = _values[i];
    }

    public static void Copy(T[] source, int sourceIndex, ref VBuffer<T> destination, int length)
    {
        Guard.InRange(length >= 0 && length <= SizeOf(source), nameof(length));
        Guard.InRange(sourceIndex >= 0 && sourceIndex <= SizeOf(source) - length, nameof(sourceIndex));
        VBufferEditor<T> editor = VBufferEditor.Create(ref destination, length, length);
        source.AsSpan(sourceIndex, length).CopyTo(editor.Values);
        destination = editor.Commit();
    }

    public IEnumerable<KeyValuePair<int, T>> Items(bool all = false)
    {
        if (IsDense || all)
            return DenseValues().Select((value, index) => KeyValuePair.Create(index, value));
        VBuffer<T> self = this;
        return Enumerable.Range(0, _count).Select(i => KeyValuePair.Create(self._indices[i], self._values[i]));
    }

    public IEnumerable<T> DenseValues()
    {
        int next = 0;
        for (int slot = 0; slot < Length; slot++)
        {
            bool present = IsDense || (next < _count && _indices[next] == slot);
            yield return present ? _values[next++] : default;
        }
    }

    public T GetItemOrDefault(int index)
    {
        T item = default;
        GetItemOrDefault(index, ref item);
        return item;
    }

    public void GetItemOrDefault(int index, ref T destination)
    {
        Guard.InRange(index >= 0 && index < Length, nameof(index));
        int at = IsDense ? index : _indices.AsSpan(0, _count).BinarySearch(index);
        destination = at >= 0 ? _values[at] : default;
    }

    /// <summary>The items of the array behind the vector, unused ones included: so does the real one.</summary>
    public IEnumerator GetEnumerator() => _values.GetEnumerator();

    public override string ToString() =>
        IsDense ? $"Dense vector of size {Length}" : $"Sparse vector of size {Length}, {_count} explicit values";

    internal VBufferEditor<T> Edit(int length, int? valuesCount, int? maxCapacity, bool keepOld, bool indicesOnDense)
    {
        Guard.InRange(length >= 0, "newLogicalLength", "Must be non-negative.");
        Guard.InRange(valuesCount is null or >= 0, nameof(valuesCount), "If specified, must be non-negative.");
        Guard.InRange(valuesCount is null || valuesCount <= length, nameof(valuesCount), "If specified, must be no greater than newLogicalLength");
        int count = valuesCount ?? length;
        T[] values = Room(_values, count, maxCapacity, keepOld, out bool newValues);
        int[] indices = _indices;
        bool newIndices = false;
        bool needsIndices = count < length || indicesOnDense;
        if (needsIndices)
            indices = Room(_indices, count, maxCapacity, keepOld, out newIndices);
        return new VBufferEditor<T>(length, count, values, indices, needsIndices, newValues, newIndices);
    }

    internal int PhysicalCount => _count;

    private static int SizeOf<TItem>(TItem[] array) => array is null ? 0 : array.Length;

    private static TItem[] Room<TItem>(TItem[] array, int needed, int? maxCapacity, bool keepOld, out bool isNew)
    {
        int present = SizeOf(array);
        isNew = present < needed;
        if (!isNew)
            return array;
        int limit = Math.Max(needed, maxCapacity ?? Array.MaxLength);
        int capacity = present == 0 ? needed : (int)Math.Min(limit, Math.Max((long)needed, 2L * present));
        if (keepOld && present > 0)
        {
            Array.Resize(ref array, capacity);
            return array;
        }
        return new TItem[capacity];
    }

    private int FirstAtOrAfter(int slot)
    {
        if (_count == 0)
            return 0;
        int at = _indices.AsSpan(0, _count).BinarySearch(slot);
        return at >= 0 ? at : ~at;
    }
}
