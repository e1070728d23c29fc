using System.Numerics;

namespace Microsoft.ML.Trl.Templates;

/// <summary>Python's dict: keys in the order in which they came; 1, 1.0 and True are one key.</summary>
internal sealed class DictValue
{
    private readonly OrderedDictionary<object, object> _entries = new(KeyComparer.Instance);

    public int Count => _entries.Count;

    public IEnumerable<object> Keys => _entries.Keys;

    public IEnumerable<object> Values => _entries.Values;

    public IEnumerable<KeyValuePair<object, object>> Pairs => _entries;

    /// <summary>A key's value, null where there is none. <see cref="PythonOperators.CheckKey"/> must let the key pass.</summary>
    public object? Find(object key) => _entries.TryGetValue(key, out object? value) ? value : null;

    /// <summary>Only for the one who makes the dict, or for a namespace.</summary>
    public void Set(object key, object value) => _entries[key] = value;

    private sealed class KeyComparer : IEqualityComparer<object>
    {
        public static readonly KeyComparer Instance = new();

        public new bool Equals(object? x, object? y)
        {
            if (PythonNumbers.IsNumber(x!) && PythonNumbers.IsNumber(y!))
                return PythonNumbers.AreEqual(x!, y!);
            if (PythonText.AsText(x!) is { } text)
                return text == PythonText.AsText(y!);
            if (x is TupleValue left && y is TupleValue right)
                return left.SequenceEqual(right, this);
            return ReferenceEquals(x, y) || (x is UndefinedValue && y is UndefinedValue);
        }

        public int GetHashCode(object value) => value switch
        {
            bool or BigInteger => HashOf(PythonNumbers.AsInteger(value)!.Value),
            double number when Math.Floor(number) == number && double.IsFinite(number) => HashOf(new BigInteger(number)),
            double number => HashOf(BitConverter.DoubleToInt64Bits(number)),
            string text => text.GetHashCode(StringComparison.Ordinal),
            MarkupValue markup => markup.Text.GetHashCode(StringComparison.Ordinal),
            TupleValue tuple => tuple.Aggregate(tuple.Count, (hash, item) => HashCode.Combine(hash, GetHashCode(item))),
            UndefinedValue => 1,
            _ => value.GetHashCode(),
        };

        // Seeded at random, unlike GetHashCode: no template can choose numbers whose hashes are all the same.
        private static int HashOf(BigInteger number)
        {
            var hash = default(HashCode);
            hash.AddBytes(number.ToByteArray());
            return hash.ToHashCode();
        }
    }
}
