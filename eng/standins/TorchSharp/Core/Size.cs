using System.Collections;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>The lengths of a tensor's dimensions.</summary>
    public struct Size : IEnumerable<long>
    {
        private readonly long[] _shape;

        public static Size Empty = new(Array.Empty<long>());

        public Size(long[] shape) => _shape = (long[])shape.Clone();
        public Size(int[] shape) : this(Array.ConvertAll(shape, s => (long)s)) { }
        public Size(IEnumerable<long> shape) : this(shape.ToArray()) { }
        public Size(long size) : this(new[] { size }) { }
        public Size(int size) : this(new[] { (long)size }) { }
        public Size((long, long) size) : this(new[] { size.Item1, size.Item2 }) { }
        public Size((long, long, long) size) : this(new[] { size.Item1, size.Item2, size.Item3 }) { }
        public Size((long, long, long, long) size) : this(new[] { size.Item1, size.Item2, size.Item3, size.Item4 }) { }
        public Size((long, long, long, long, long) size) : this(new[] { size.Item1, size.Item2, size.Item3, size.Item4, size.Item5 }) { }
        public Size((long, long, long, long, long, long) size) : this(new[] { size.Item1, size.Item2, size.Item3, size.Item4, size.Item5, size.Item6 }) { }
        public Size((int, int) size) : this(new[] { size.Item1, size.Item2 }) { }
        public Size((int, int, int) size) : this(new[] { size.Item1, size.Item2, size.Item3 }) { }
        public Size((int, int, int, int) size) : this(new[] { size.Item1, size.Item2, size.Item3, size.Item4 }) { }
        public Size((int, int, int, int, int) size) : this(new[] { size.Item1, size.Item2, size.Item3, size.Item4, size.Item5 }) { }
        public Size((int, int, int, int, int, int) size) : this(new[] { size.Item1, size.Item2, size.Item3, size.Item4, size.Item5, size.Item6 }) { }

        public long[] Shape => _shape;
        public int Length => _shape.Length;
        public bool IsEmpty => _shape.Length == 0;
        public bool IsScalar => _shape.Length == 1 && _shape[0] == 1;
        public long this[int idx] => _shape[idx];
        public long this[long idx] => _shape[idx];

        public long numel() => _shape.Aggregate(1L, (product, length) => product * length);
        public Size Slice(int first, int next) => new(_shape.Skip(first).Take(next - first));
        public IEnumerable<long> Take(int i) => _shape.Take(i);

        public static implicit operator Size(long size) => new(size);
        public static implicit operator Size(long[] size) => new(size);
        public static implicit operator Size((long, long) size) => new(size);
        public static implicit operator Size((long, long, long) size) => new(size);
        public static implicit operator Size((long, long, long, long) size) => new(size);
        public static implicit operator Size((long, long, long, long, long) size) => new(size);
        public static implicit operator Size((long, long, long, long, long, long) size) => new(size);

        public static Size operator +(Size left, Size right) => new(left._shape.Concat(right._shape));
        public static Size operator +(Size left, IEnumerable<long> right) => new(left._shape.Concat(right));
        public static bool operator ==(Size left, Size right) => left._shape.SequenceEqual(right._shape);
        public static bool operator !=(Size left, Size right) => !(left == right);

        public override bool Equals(object obj) => obj is Size other && this == other;
        public override int GetHashCode() => _shape.Aggregate(17, HashCode.Combine);
        public IEnumerator<long> GetEnumerator() => ((IEnumerable<long>)_shape).GetEnumerator();
        IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
    }
}
