using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>
/// Keys and values of the tokens a decoder has already seen, so that each further token costs one row of work.
/// The memory is taken at once and filled from the left; nothing is copied as it grows. Sequences that go on from one may share what it
/// holds.
/// </summary>
/// <remarks>Belongs to one sequence of calls and one thread at a time. The creator disposes it.</remarks>
public sealed class KeyValueCache : IDisposable
{
    internal const int LeastShared = 64; // tokens; below, a copy costs less than attention in two parts

    private readonly (int Layers, int Heads, int HeadSize, ScalarType Type) _model;
    private readonly Tensor[] _parts; // the keys of each block and its values: [rows, key-value heads, capacity - shared, head size] each
    private Tensor[]? _shared; // [groups, key-value heads, shared, head size] each; null = nothing is shared
    private int _groupSize = 1; // rows that share a sequence, one behind the other

    /// <summary>Takes memory for <paramref name="rows"/> sequences of up to <paramref name="capacity"/> tokens.</summary>
    /// <param name="model">The decoder it will serve; gives sizes, device and type.</param>
    /// <param name="rows">Sequences in the batch. At least 1.</param>
    /// <param name="capacity">Tokens per sequence, padding included. At least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is out of range, or far beyond this machine's memory.</exception>
    /// <exception cref="ObjectDisposedException">The decoder was disposed.</exception>
    public KeyValueCache(Decoder model, int rows, int capacity)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        (Rows, Capacity) = (rows, capacity);
        model.ThrowIfDisposed();
        _model = ModelOf(model);
        Device device = model.Tokens.Device;
        int parts = 2 * model.Config.LayerCount;
        long[] shape = [rows, model.Config.KeyValueHeadCount, capacity, model.Config.HeadSize];
        Int128 bytes = shape.Aggregate((Int128)parts * _model.Type.ElementSize(), (product, size) => product * size);
        if (device.type == DeviceType.CPU && !ModelSize.FitsMemory(bytes))
            throw new ArgumentOutOfRangeException(
                nameof(capacity),
                $"A cache of {rows} sequences of {capacity} tokens takes {ModelSize.Gigabytes(bytes)}, but {ModelSize.MemoryText}; "
                + "give smaller numbers.");
        _parts = [.. Enumerable.Range(0, parts).Select(_ => empty(shape, _model.Type, device).DetachFromDisposeScope())];
    }

    /// <summary>Sequences in the batch.</summary>
    public int Rows { get; private set; }

    /// <summary>Tokens there is room for, per sequence.</summary>
    public int Capacity { get; }

    /// <summary>Tokens held, per sequence, padding included.</summary>
    public int Length { get; private set; }

    /// <summary>Forgets everything; the memory stays.</summary>
    public void Clear()
    {
        Length = 0;
        if (_shared is null)
            return;
        Drop(ref _shared);
        for (int i = 0; i < _parts.Length; i++)
            Replace(i, Empty(i, Rows, Capacity));
    }

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        foreach (Tensor part in _parts)
            part.Dispose();
        Drop(ref _shared);
    }

    /// <summary>Writes the new keys and values of a block behind those it holds, and returns all of them.</summary>
    /// <param name="layer">Number of the block.</param>
    /// <param name="keys">[rows, key-value heads, new tokens, head size].</param>
    /// <param name="values">The same.</param>
    /// <returns>Views.</returns>
    internal KeysAndValues Append(int layer, Tensor keys, Tensor values)
    {
        (Tensor allKeys, Tensor allValues, long added) = (_parts[2 * layer], _parts[(2 * layer) + 1], keys.size(2));
        allKeys.narrow(2, Own, added).copy_(keys);
        allValues.narrow(2, Own, added).copy_(values);
        return new KeysAndValues(allKeys.narrow(2, 0, Own + added), allValues.narrow(2, 0, Own + added))
        {
            Shared = _shared is null ? null : new KeysAndValues(_shared[2 * layer].alias(), _shared[(2 * layer) + 1].alias()),
        };
    }

    /// <summary>Counts the tokens that every block has appended.</summary>
    internal void Advance(int added) => Length += added;

    /// <summary>Begins every sequence with what another cache holds of a beginning that they share, each behind its own padding.</summary>
    /// <param name="beginning">One sequence, at most <see cref="Capacity"/> tokens; stays as it is.</param>
    /// <param name="padding">[rows] places before each sequence; what is pushed out at the right is left out.</param>
    internal void Begin(KeyValueCache beginning, IReadOnlyList<int> padding)
    {
        using DisposeScope scope = NewDisposeScope();
        Length = beginning.Length;
        foreach ((Tensor part, Tensor begun) in _parts.Zip(beginning._parts))
        {
            for (int row = 0; row < Rows; row++)
            {
                Tensor sequence = part.select(0, row); // [heads, capacity, head size]
                int before = Math.Min(padding[row], Length);
                sequence.narrow(1, 0, before).zero_(); // a hidden key still counts with weight 0, which makes NaN of what is no number
                sequence.narrow(1, before, Length - before).copy_(begun.select(0, 0).narrow(1, 0, Length - before));
            }
        }
    }

    /// <summary>
    /// Keeps some sequences and forgets the others; one may be kept more than once. Where each is kept equally often, they share what they
    /// hold now.
    /// </summary>
    /// <param name="rows">The sequences that stay.</param>
    internal void Keep(IReadOnlyList<long> rows)
    {
        int repeated = _shared is null && Length >= LeastShared ? rows.TakeWhile(row => row == rows[0]).Count() : 1;
        if (repeated > 1 && InGroups(rows, repeated, row => row))
            Share(rows, repeated);
        else if (_shared is not null && InGroups(rows, _groupSize, row => row / _groupSize))
            KeepGroups(rows);
        else
            KeepApart(rows);
        Rows = rows.Count;
    }

    /// <summary>Gives every place the sequence of another place; only what changes is moved, part by part.</summary>
    /// <param name="places">[rows] for each place, the one whose sequence it gets; of those that share a beginning, one of them.</param>
    internal void Rearrange(IReadOnlyList<long> places)
    {
        long[] changed = [.. Enumerable.Range(0, places.Count).Where(row => places[row] != row).Select(row => (long)row)];
        if (changed.Length == 0)
            return;
        using DisposeScope scope = NewDisposeScope();
        Tensor to = Numbers(changed), from = Numbers(changed.Select(row => places[(int)row]));
        foreach (Tensor part in _parts)
        {
            using Tensor held = part.narrow(2, 0, Own), moved = held.index_select(0, from);
            held.index_copy_(0, to, moved);
        }
    }

    /// <summary>Fails when there is no room, before any work is done.</summary>
    /// <exception cref="ArgumentException">The decoder or the batch differs, or the room does not suffice.</exception>
    /// <exception cref="InvalidOperationException">Gradients are recorded.</exception>
    /// <exception cref="ObjectDisposedException">The cache was disposed.</exception>
    internal void CheckUse(Decoder model, long rows, long added)
    {
        ObjectDisposedException.ThrowIf(_parts[0].IsInvalid, this);
        if (ModelOf(model) is var user && user != _model)
            throw new ArgumentException(
                $"The cache was made for another decoder: it has {Text(_model)}, this one {Text(user)}. Make one cache per model.");
        if (rows != Rows)
            throw new ArgumentException($"The cache holds {Rows} sequences, {rows} were given; make one cache per batch.");
        if (Length + added > Capacity)
            throw new ArgumentException(
                $"The cache holds {Length} of {Capacity} tokens; there is no room for {added} more. Make it larger when creating it.");
        if (is_grad_enabled())
            throw new InvalidOperationException("A key-value cache cannot be used while gradients are recorded; call inside no_grad().");
    }

    /// <summary>Tokens that each sequence holds by itself.</summary>
    private int Own => Length - (int)(_shared?[0].size(2) ?? 0);

    /// <summary>Whether rows come in blocks of one size whose rows belong together.</summary>
    private static bool InGroups(IReadOnlyList<long> rows, int size, Func<long, long> group) =>
        rows.Count % size == 0 && Enumerable.Range(0, rows.Count).All(place => group(rows[place]) == group(rows[place - (place % size)]));

    /// <summary>What is held becomes the beginning of several rows each.</summary>
    private void Share(IReadOnlyList<long> rows, int size)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor first = Numbers(rows.Where((_, place) => place % size == 0));
        (_shared, _groupSize) = (new Tensor[_parts.Length], size);
        for (int i = 0; i < _parts.Length; i++)
        {
            _shared[i] = _parts[i].narrow(2, 0, Length).index_select(0, first).DetachFromDisposeScope();
            Replace(i, Empty(i, rows.Count, Capacity - Length));
        }
    }

    private void KeepGroups(IReadOnlyList<long> rows)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor groups = Numbers(rows.Where((_, place) => place % _groupSize == 0).Select(row => row / _groupSize)), own = Numbers(rows);
        for (int i = 0; i < _parts.Length; i++)
        {
            using (Tensor shared = _shared![i])
                _shared[i] = shared.index_select(0, groups).DetachFromDisposeScope();
            KeepOwn(i, own, _parts[i].size(2), 0);
        }
    }

    private void KeepApart(IReadOnlyList<long> rows)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor own = Numbers(rows), groups = Numbers(rows.Select(row => row / _groupSize));
        for (int i = 0; i < _parts.Length; i++)
        {
            using DisposeScope part = NewDisposeScope(); // what is picked of a part is gone before the next one
            KeepOwn(i, own, Capacity, Length - Own);
            if (_shared is not null)
                _parts[i].narrow(2, 0, Length - Own).copy_(_shared[i].index_select(0, groups));
        }
        Drop(ref _shared);
        _groupSize = 1;
    }

    /// <summary>Keeps what some sequences hold by themselves of a part.</summary>
    /// <param name="part">Number of the part.</param>
    /// <param name="rows">[rows] int64.</param>
    /// <param name="capacity">Tokens that there is room for then.</param>
    /// <param name="before">Tokens that are left free before.</param>
    private void KeepOwn(int part, Tensor rows, long capacity, long before)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor kept = Empty(part, rows.size(0), capacity);
        kept.narrow(2, before, Own).copy_(_parts[part].narrow(2, 0, Own).index_select(0, rows));
        Replace(part, kept);
    }

    private Tensor Numbers(IEnumerable<long> numbers) => tensor(numbers.ToArray(), device: _parts[0].device);

    /// <summary>Memory for a part of more or fewer tokens.</summary>
    private Tensor Empty(int part, long rows, long tokens)
    {
        long[] shape = _parts[part].shape;
        return empty([rows, shape[1], tokens, shape[3]], _parts[part].dtype, _parts[part].device);
    }

    private void Replace(int part, Tensor tensor)
    {
        _parts[part].Dispose();
        _parts[part] = tensor.DetachFromDisposeScope();
    }

    private static void Drop(ref Tensor[]? tensors)
    {
        foreach (Tensor tensor in tensors ?? [])
            tensor.Dispose();
        tensors = null;
    }

    private static (int Layers, int Heads, int HeadSize, ScalarType Type) ModelOf(Decoder model) =>
        (model.Config.LayerCount, model.Config.KeyValueHeadCount, model.Config.HeadSize, model.Tokens.Type);

    private static string Text((int Layers, int Heads, int HeadSize, ScalarType Type) model) =>
        $"{model.Layers} layers of {model.Heads} heads of size {model.HeadSize} in {model.Type}";
}
