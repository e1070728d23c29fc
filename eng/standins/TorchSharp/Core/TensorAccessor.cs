using System.Collections;

namespace TorchSharp.Utils;

/// <summary>Typed access to the memory of a tensor, contiguous or not.</summary>
public sealed unsafe class TensorAccessor<T> : IDisposable, IEnumerable<T> where T : unmanaged
{
    private torch.Tensor _tensor;
    private T* _data;
    private readonly bool _contiguous;

    internal TensorAccessor(torch.Tensor tensor)
    {
        tensor.RequireCpu();
        _tensor = tensor;
        _contiguous = tensor.is_contiguous();
        _data = tensor.numel() == 0 ? null : (T*)tensor.Pointer();
    }

    public long Count => _tensor?.numel() ?? 0;

    public bool IsReadOnly => false;

    public T this[params long[] indices] { get => _data[Place(indices)]; set => _data[Place(indices)] = value; }

    public T[] ToArray()
    {
        T[] values = new T[Count];
        if (_contiguous && values.Length > 0)
            new ReadOnlySpan<T>(_data, values.Length).CopyTo(values);
        else if (values.Length > 0)
            CopyTo(values.AsSpan());
        GC.KeepAlive(_tensor);
        return values;
    }

    public Array ToNDArray()
    {
        long[] shape = _tensor.shape;
        if (shape.Length < 2)
            return ToArray();
        Array values = Array.CreateInstance(typeof(T), shape);
        T[] flat = ToArray();
        if (flat.Length > 0)
            fixed (T* from = flat)
                new ReadOnlySpan<byte>(from, flat.Length * sizeof(T)).CopyTo(MemoryMarshal.CreateSpan(ref MemoryMarshal.GetArrayDataReference(values), flat.Length * sizeof(T)));
        return values;
    }

    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyTo(array.AsSpan(), arrayIndex, tensorIndex);

    public void CopyTo(Span<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        Walk walk = From(tensorIndex);
        for (int k = arrayIndex; k < array.Length && walk.Left > 0; k++)
            array[k] = _data[walk.Next()];
        GC.KeepAlive(_tensor);
    }

    public void CopyFrom(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyFrom((ReadOnlySpan<T>)array, arrayIndex, tensorIndex);

    public void CopyFrom(ReadOnlySpan<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        Walk walk = From(tensorIndex);
        for (int k = arrayIndex; k < array.Length && walk.Left > 0; k++)
            _data[walk.Next()] = array[k];
        GC.KeepAlive(_tensor);
    }

    public IEnumerator<T> GetEnumerator()
    {
        Walk walk = Count == 0 ? default : From(0);
        while (walk.Left > 0)
            yield return At(walk.Next());
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose()
    {
        _tensor = null;
        _data = null;
    }

    public override bool Equals(object obj) => obj is TensorAccessor<T> other && this == other;

    public override int GetHashCode() => Count.GetHashCode();

    public static bool operator ==(TensorAccessor<T> left, TensorAccessor<T> right) =>
        left is null || right is null ? ReferenceEquals(left, right) : left.Count == right.Count && left.SequenceEqual(right);

    public static bool operator !=(TensorAccessor<T> left, TensorAccessor<T> right) => !(left == right);

    private T At(long offset) => _data[offset];

    private Walk From(long start) => start >= 0 && start < Count ? new Walk(_tensor, start) : throw new ArgumentOutOfRangeException(nameof(start));

    private long Place(long[] indices)
    {
        if (indices.Length == 1)
            return indices[0] < Count ? _tensor.Offset(indices[0]) : throw new IndexOutOfRangeException();
        long[] shape = _tensor.shape, stride = _tensor.stride();
        long offset = 0;
        for (int dim = 0; dim < shape.Length; dim++)
        {
            if (indices[dim] < 0 || indices[dim] >= shape[dim])
                throw new IndexOutOfRangeException($"{indices[dim]} >= {shape[dim]} in dimension {dim}.");
            offset += indices[dim] * stride[dim];
        }
        return offset;
    }

    /// <summary>Steps through a tensor in reading order.</summary>
    private struct Walk
    {
        private readonly long[] _shape, _stride, _at;
        private long _offset;
        public long Left;

        public Walk(torch.Tensor tensor, long start)
        {
            (_shape, _stride) = (tensor.shape, tensor.stride());
            _at = new long[_shape.Length];
            Left = tensor.numel() - start;
            _offset = 0;
            for (int dim = _shape.Length - 1; dim >= 0; dim--)
            {
                _at[dim] = start % _shape[dim];
                _offset += _at[dim] * _stride[dim];
                start /= _shape[dim];
            }
        }

        public long Next()
        {
            long here = _offset;
            Left--;
            for (int dim = _shape.Length - 1; dim >= 0; dim--)
            {
                _offset += _stride[dim];
                if (++_at[dim] < _shape[dim])
                    break;
                _offset -= _at[dim] * _stride[dim];
                _at[dim] = 0;
            }
            return here;
        }
    }
}
