using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>
/// Keys and values of the tokens a decoder has already seen, so that each further token costs one row of work.
/// The memory is taken at once and filled from the left; nothing is copied as it grows.
/// </summary>
/// <remarks>Belongs to one sequence of calls and one thread at a time. The creator disposes it.</remarks>
public sealed class KeyValueCache : IDisposable
{
    private readonly (int Layers, int Heads, int HeadSize, ScalarType Type) _model;
    private readonly Tensor[] _parts; // the keys of each block and its values: [rows, key-value heads, capacity, head size] each

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
    public void Clear() => Length = 0;

    /// <summary>Gives the memory back.</summary>
    public void Dispose()
    {
        foreach (Tensor part in _parts)
            part.Dispose();
    }

    /// <summary>Writes the new keys and values of a block behind those it holds, and returns all of them.</summary>
    /// <param name="layer">Number of the block.</param>
    /// <param name="keys">[rows, key-value heads, new tokens, head size].</param>
    /// <param name="values">The same.</param>
    /// <returns>Views [rows, key-value heads, held + new tokens, head size].</returns>
    internal (Tensor Keys, Tensor Values) Append(int layer, Tensor keys, Tensor values)
    {
        (Tensor allKeys, Tensor allValues, long added) = (_parts[2 * layer], _parts[(2 * layer) + 1], keys.size(2));
        allKeys.narrow(2, Length, added).copy_(keys);
        allValues.narrow(2, Length, added).copy_(values);
        return (allKeys.narrow(2, 0, Length + added), allValues.narrow(2, 0, Length + added));
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

    /// <summary>Keeps some sequences and forgets the others; one may be kept more than once.</summary>
    /// <param name="rows">[rows that stay] int64.</param>
    internal void Keep(Tensor rows)
    {
        for (int i = 0; i < _parts.Length; i++)
        {
            using DisposeScope scope = NewDisposeScope(); // what is picked of a part is gone before the next one
            using Tensor part = _parts[i];
            _parts[i] = empty([rows.shape[0], .. part.shape[1..]], part.dtype, part.device).DetachFromDisposeScope();
            _parts[i].narrow(2, 0, Length).copy_(part.narrow(2, 0, Length).index_select(0, rows));
        }
        Rows = (int)rows.shape[0];
    }

    /// <summary>Gives every place the sequence of another place; only what changes is moved, part by part.</summary>
    /// <param name="places">[rows] for each place, the one whose sequence it gets.</param>
    internal void Rearrange(IReadOnlyList<long> places)
    {
        long[] changed = [.. Enumerable.Range(0, places.Count).Where(row => places[row] != row).Select(row => (long)row)];
        if (changed.Length == 0)
            return;
        using DisposeScope scope = NewDisposeScope();
        Tensor to = tensor(changed, device: _parts[0].device);
        Tensor from = tensor([.. changed.Select(row => places[(int)row])], device: _parts[0].device);
        foreach (Tensor part in _parts)
        {
            using Tensor held = part.narrow(2, 0, Length), moved = held.index_select(0, from);
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

    private static (int Layers, int Heads, int HeadSize, ScalarType Type) ModelOf(Decoder model) =>
        (model.Config.LayerCount, model.Config.KeyValueHeadCount, model.Config.HeadSize, model.Tokens.Type);

    private static string Text((int Layers, int Heads, int HeadSize, ScalarType Type) model) =>
        $"{model.Layers} layers of {model.Heads} heads of size {model.HeadSize} in {model.Type}";
}
