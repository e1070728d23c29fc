using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace TorchSharp.Utils;

/// <summary>A dictionary that keeps the order of insertion and can be read by position too.</summary>
public class OrderedDict<TKey, TValue> : IDictionary<TKey, TValue>, IList<(TKey, TValue)>
{
    private readonly List<(TKey, TValue)> _items = [];
    private readonly Dictionary<TKey, TValue> _byKey = [];

    public int Count => _items.Count;

    public bool IsReadOnly => false;

    public ICollection<TKey> Keys => _items.ConvertAll(item => item.Item1);

    public ICollection<TValue> Values => _items.ConvertAll(item => item.Item2);

    public (TKey, TValue) this[int index]
    {
        get => _items[index];
        set
        {
            _items[index] = value;
            _byKey[value.Item1] = value.Item2;
        }
    }

    public TValue this[TKey key]
    {
        get => _byKey[key];
        set
        {
            int index = _byKey.ContainsKey(key) ? PositionOf(key) : -1;
            _byKey[key] = value;
            if (index < 0)
                _items.Add((key, value));
            else
                _items[index] = (key, value);
        }
    }

    public void Add(TKey key, TValue value)
    {
        _byKey.Add(key, value);
        _items.Add((key, value));
    }

    public void Add((TKey, TValue) item) => Add(item.Item1, item.Item2);

    public void Add(KeyValuePair<TKey, TValue> item) => Add(item.Key, item.Value);

    public void Insert(int index, (TKey, TValue) item)
    {
        _byKey.Add(item.Item1, item.Item2);
        _items.Insert(index, item);
    }

    public bool ContainsKey(TKey key) => _byKey.ContainsKey(key);

    public bool Contains((TKey, TValue) item) => _items.Contains(item);

    public bool Contains(KeyValuePair<TKey, TValue> item) => _byKey.ContainsKey(item.Key);

    public int IndexOf((TKey, TValue) item) => _items.IndexOf(item);

    public bool TryGetValue(TKey key, [MaybeNullWhen(false)] out TValue value) => _byKey.TryGetValue(key, out value);

    /// <summary>Unlike a <see cref="Dictionary{TKey, TValue}"/>, removing an absent key throws.</summary>
    public bool Remove(TKey key)
    {
        if (!_byKey.Remove(key))
            throw new KeyNotFoundException($"The given key '{key}' was not present in the dictionary.");
        _items.RemoveAt(PositionOf(key));
        return true;
    }

    public bool Remove((TKey, TValue) item)
    {
        _byKey.Remove(item.Item1);
        return _items.Remove(item);
    }

    public bool Remove(KeyValuePair<TKey, TValue> item) => _byKey.ContainsKey(item.Key) && Remove(item.Key);

    public void RemoveAt(int index)
    {
        if (index >= _items.Count)
            throw new IndexOutOfRangeException();
        _byKey.Remove(_items[index].Item1);
        _items.RemoveAt(index);
    }

    public void Clear() => clear();

    public void clear()
    {
        _items.Clear();
        _byKey.Clear();
    }

    public IEnumerable<TKey> keys() => _byKey.Keys;

    public IEnumerable<TValue> values() => _byKey.Values;

    public IEnumerator<(TKey, TValue)> items() => _items.GetEnumerator();

    public IEnumerator<(TKey, TValue)> GetEnumerator() => _items.GetEnumerator();

    public void CopyTo((TKey, TValue)[] array, int arrayIndex) => _items.CopyTo(array, arrayIndex);

    public void CopyTo(KeyValuePair<TKey, TValue>[] array, int arrayIndex)
    {
        foreach ((TKey key, TValue value) in _items)
            array[arrayIndex++] = new(key, value);
    }

    IEnumerator<KeyValuePair<TKey, TValue>> IEnumerable<KeyValuePair<TKey, TValue>>.GetEnumerator() =>
        _items.Select(item => new KeyValuePair<TKey, TValue>(item.Item1, item.Item2)).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _items.GetEnumerator();

    private int PositionOf(TKey key) => _items.FindIndex(item => item.Item1.Equals(key));
}
