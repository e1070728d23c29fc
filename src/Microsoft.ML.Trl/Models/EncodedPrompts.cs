using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>
/// What the encoder of an encoder-decoder says about prompts. Its decoder looks at that in every block; without gradients, what a block
/// makes of it is kept for the next tokens.
/// </summary>
/// <remarks>Made by <see cref="CausalLanguageModel.Encode"/>, for the decoder of that model. The creator disposes it.</remarks>
public sealed class EncodedPrompts : IDisposable
{
    private readonly Dictionary<int, (Tensor Keys, Tensor Values)> _projected = []; // by block
    private Tensor _states;
    private Tensor? _real;

    /// <summary>Takes tensors over from the scope that they are in.</summary>
    /// <param name="states">[B, S, H].</param>
    /// <param name="real">[B, S] bool, true on real tokens; null when nothing is padded.</param>
    internal EncodedPrompts(Tensor states, Tensor? real) =>
        (_states, _real) = (states.DetachFromDisposeScope(), real?.DetachFromDisposeScope());

    private EncodedPrompts((Tensor States, Tensor? Real) lent) => (_states, _real) = lent;

    /// <summary>[B, S, H] the final hidden states of the encoder; what stands at padding means nothing. Owned here.</summary>
    /// <exception cref="ObjectDisposedException">They were disposed.</exception>
    public Tensor States
    {
        get
        {
            ObjectDisposedException.ThrowIf(_states.IsInvalid, this);
            return _states;
        }
    }

    /// <summary>Prompts B.</summary>
    public int Rows => (int)States.shape[0];

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        _states.Dispose();
        _real?.Dispose();
        foreach ((Tensor keys, Tensor values) in _projected.Values)
        {
            keys.Dispose();
            values.Dispose();
        }
        _projected.Clear();
    }

    /// <summary>[B, S] bool, true on real tokens; null when nothing is padded. Owned here.</summary>
    internal Tensor? Real => _real;

    /// <summary>The same with other tensors, which somebody else owns. Nobody disposes it.</summary>
    internal static EncodedPrompts Over(Tensor states, Tensor? real) => new((states, real));

    /// <summary>Keys and values of a block, [B, h, S, d]; owned here, or, where gradients are recorded, by the current scope.</summary>
    /// <param name="layer">Number of the block.</param>
    /// <param name="make">Makes them of the states.</param>
    internal (Tensor Keys, Tensor Values) Projected(int layer, Func<Tensor, (Tensor Keys, Tensor Values)> make)
    {
        if (_projected.TryGetValue(layer, out (Tensor Keys, Tensor Values) known))
            return known;
        using var scope = NewDisposeScope();
        (Tensor keys, Tensor values) = make(States);
        if (is_grad_enabled())
            return (keys.MoveToOuterDisposeScope(), values.MoveToOuterDisposeScope());
        return _projected[layer] = (keys.DetachFromDisposeScope(), values.DetachFromDisposeScope());
    }

    /// <summary>What is added to the scores of attention: [B, 1, 1, S], negative infinity on padding; null where there is none.</summary>
    /// <param name="type">Type of the scores.</param>
    /// <returns>In the current scope.</returns>
    internal Tensor? Mask(ScalarType type)
    {
        if (_real is null)
            return null;
        using var scope = NewDisposeScope();
        Tensor padding = _real.logical_not().unsqueeze(1).unsqueeze(1);
        return zeros_like(padding, type).masked_fill_(padding, double.NegativeInfinity).MoveToOuterDisposeScope();
    }

    /// <summary>Keeps some prompts and forgets the others; one may be kept more than once.</summary>
    /// <param name="rows">[prompts that stay] int64.</param>
    internal void Keep(Tensor rows)
    {
        Replace(ref _states!, rows);
        Replace(ref _real, rows);
        foreach ((int layer, (Tensor keys, Tensor values)) in _projected.ToArray())
        {
            (Tensor? keptKeys, Tensor? keptValues) = (keys, values);
            Replace(ref keptKeys, rows);
            Replace(ref keptValues, rows);
            _projected[layer] = (keptKeys!, keptValues!);
        }
    }

    private static void Replace(ref Tensor? tensor, Tensor rows)
    {
        using Tensor? all = tensor;
        tensor = all?.index_select(0, rows).DetachFromDisposeScope();
    }
}
