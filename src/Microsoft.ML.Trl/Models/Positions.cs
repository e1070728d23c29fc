using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>How a decoder knows the order of its tokens. A scheme does one of the three.</summary>
internal abstract class Positions(string name) : nn.Module(name)
{
    /// <summary>Adds positions to the embeddings of tokens.</summary>
    /// <param name="tokens">[B·T, H] embeddings that nobody else needs; may be overwritten.</param>
    /// <param name="pattern">Knows the positions.</param>
    /// <returns>[B·T, H]. The caller owns it.</returns>
    public virtual Tensor AddTo(Tensor tokens, AttentionPattern pattern) => tokens;

    /// <summary>Turns queries or keys by their positions.</summary>
    /// <param name="heads">[B, T, heads, d].</param>
    /// <param name="pattern">Knows the positions.</param>
    /// <returns>[B, T, heads, d]. The caller owns it.</returns>
    public virtual Tensor Turn(Tensor heads, AttentionPattern pattern) => heads;

    /// <summary>Whether there is a <see cref="Bias"/>.</summary>
    public virtual bool HasBias => false;

    /// <summary>Makes what all blocks of a pass share and what has a gradient, before the first block asks.</summary>
    /// <param name="pattern">Of the pass.</param>
    public virtual void Prepare(AttentionPattern pattern) { }

    /// <summary>What is added to the scores of attention.</summary>
    /// <param name="pattern">Knows the positions of the keys.</param>
    /// <param name="type">Type of the scores.</param>
    /// <returns>[B or 1, h, 1 or T, S], in the current scope.</returns>
    public virtual Tensor Bias(AttentionPattern pattern, ScalarType type) => throw new NotSupportedException();
}

/// <summary>Positions as in GPT-2: one learned row per position, added to the embedding of the token that stands there.</summary>
internal sealed class LearnedPositions : Positions
{
    [ComponentName(Name = "weight")] private readonly Parameter _weight;
    private readonly int _first;

    /// <param name="at">Place in the checkpoint.</param>
    /// <param name="positions">Positions of the longest text.</param>
    /// <param name="width">Width of the residual stream.</param>
    /// <param name="initializer">How fresh rows are drawn.</param>
    /// <param name="first">Row of position 0.</param>
    public LearnedPositions(WeightPath at, long positions, long width, Initializer initializer, int first = 0)
        : base(at.Name)
    {
        _first = first;
        register_parameter("weight", _weight = at.Take("weight", initializer, positions + first, width));
    }

    public override Tensor AddTo(Tensor tokens, AttentionPattern pattern)
    {
        using var scope = NewDisposeScope();
        Tensor rows = EmbeddingLookup.Rows(_weight, _first == 0 ? pattern.Positions : pattern.Positions + _first); // [T, H] or [B·T, H]
        return tokens.view(-1, rows.shape[0], rows.shape[1]).add_(rows).view(tokens.shape).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// Rotary positions: pairs of dimensions of queries and keys are turned by an angle that grows with the position (arXiv:2104.09864). One
/// for all blocks of a decoder: the angles are worked out once per call.
/// </summary>
internal abstract class RotaryPositions : Positions
{
    private readonly Tensor _frequencies; // [1, r / 2] radians per position; no buffer: it stays float32 where the model does not
    private readonly Tensor? _ofLongTexts; // the same of texts of more tokens than _switch
    private readonly long _turned, _switch;
    private readonly double _factor;

    /// <param name="rope">Radians per position of each pair of dimensions, and the length of what was turned, relative to before.</param>
    /// <param name="width">Dimensions of a head that are turned, the first ones; even.</param>
    /// <param name="device">Device of the model.</param>
    protected RotaryPositions(RopeSettings rope, int width, Device device) : base(nameof(RotaryPositions))
    {
        using var scope = NewDisposeScope();
        Tensor Frequencies(bool isLong) => tensor(rope.Frequencies(width, isLong)).unsqueeze(0).to(device).DetachFromDisposeScope();
        (_frequencies, _turned, _factor) = (Frequencies(false), width, rope.Scale);
        if (rope.LongestShortText is { } limit)
            (_ofLongTexts, _switch) = (Frequencies(true), limit);
    }

    public override Tensor Turn(Tensor heads, AttentionPattern pattern)
    {
        using var scope = NewDisposeScope();
        Tensor[] angles = pattern.Once((this, heads.dtype), () => Angles(pattern, heads.dtype));
        long rest = heads.shape[^1] - _turned;
        Tensor part = rest == 0 ? heads : heads.narrow(-1, 0, _turned);
        Tensor turned = addcmul(part * angles[0], Swapped(part), angles[1], 1);
        return (rest == 0 ? turned : cat([turned, heads.narrow(-1, _turned, rest)], -1)).MoveToOuterDisposeScope();
    }

    /// <summary>The two dimensions of each pair exchanged.</summary>
    protected abstract Tensor Swapped(Tensor x);

    /// <summary>Numbers for the first and for the second dimensions of the pairs, [..., r / 2] each, where the dimensions stand.</summary>
    protected abstract Tensor Spread(Tensor first, Tensor second);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            _frequencies.Dispose();
            _ofLongTexts?.Dispose();
        }
        base.Dispose(disposing);
    }

    /// <summary>Cosines, and sines with the sign of their dimension: each [1 or B, T, 1, r].</summary>
    private Tensor[] Angles(AttentionPattern pattern, ScalarType type)
    {
        Tensor positions = pattern.Positions.to_type(ScalarType.Float32).unsqueeze(-1);
        Tensor frequencies = _ofLongTexts is not null && pattern.LongestText > _switch ? _ofLongTexts : _frequencies;
        Tensor angles = positions * frequencies.to(positions.device); // [T or B·T, r / 2]
        (Tensor cosines, Tensor sines) = (angles.cos(), angles.sin());
        if (_factor != 1)
            (cosines, sines) = (cosines * _factor, sines * _factor);
        Tensor Shaped(Tensor spread) => spread.view(-1, pattern.Length, 1, _turned).to_type(type);
        return [Shaped(Spread(cosines, cosines)), Shaped(Spread(sines.neg(), sines))];
    }
}

/// <summary>Rotary positions whose pairs are a dimension of the first half and its counterpart in the second, as in LLaMA.</summary>
internal sealed class HalvedRotary(RopeSettings rope, int width, Device device) : RotaryPositions(rope, width, device)
{
    protected override Tensor Swapped(Tensor x) => x.roll(x.shape[^1] / 2, -1);

    protected override Tensor Spread(Tensor first, Tensor second) => cat([first, second], -1);
}

/// <summary>Rotary positions whose pairs are neighbouring dimensions, as in GPT-J.</summary>
internal sealed class PairedRotary(RopeSettings rope, int width, Device device) : RotaryPositions(rope, width, device)
{
    protected override Tensor Swapped(Tensor x)
    {
        long[] shape = x.shape;
        return x.reshape([.. shape[..^1], shape[^1] / 2, 2]).flip(-1).reshape(shape);
    }

    protected override Tensor Spread(Tensor first, Tensor second) => stack([first, second], -1).flatten(-2);
}

/// <summary>
/// Rotary positions of two bases: one for blocks that see everything, one for those that look through a window. Each block has its own of
/// the two; this holds both.
/// </summary>
internal sealed class LayeredRotary : Positions
{
    /// <param name="whole">Of blocks that see everything.</param>
    /// <param name="windowed">Of the others.</param>
    public LayeredRotary(Positions whole, Positions windowed) : base(nameof(LayeredRotary))
    {
        this.Own("whole", whole);
        this.Own("windowed", windowed);
    }
}

/// <summary>
/// ALiBi: scores fall with the distance, in each head with another slope (arXiv:2108.12409). What is added grows with the position of the
/// key, which to softmax is the same.
/// </summary>
internal sealed class AlibiPositions : Positions
{
    private readonly Tensor _slopes; // [h, 1, 1]
    private readonly double _factor;

    /// <param name="heads">Heads of queries.</param>
    /// <param name="device">Device of the model.</param>
    /// <param name="factor">Of all slopes.</param>
    /// <param name="rounded">Whether slope times position is rounded to bfloat16 first, as in Falcon.</param>
    public AlibiPositions(int heads, Device device, double factor = 1, bool rounded = false) : base(nameof(AlibiPositions))
    {
        using var scope = NewDisposeScope();
        _factor = factor;
        _slopes = tensor(Slopes(heads)).view(-1, 1, 1).to(rounded ? ScalarType.BFloat16 : ScalarType.Float32).to(device)
            .DetachFromDisposeScope();
    }

    public override bool HasBias => true;

    public override Tensor Bias(AttentionPattern pattern, ScalarType type)
    {
        Tensor positions = pattern.KeyPositions.unsqueeze(1).unsqueeze(1).to_type(_slopes.dtype); // [B or 1, 1, 1, S]
        Tensor bias = (_slopes.to(positions.device) * positions).to_type(ScalarType.Float32);
        return (_factor == 1 ? bias : bias * _factor).to_type(type);
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _slopes.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>2^(-8 i / n) for n a power of two; else those of the power below, and every second of the power above.</summary>
    private static float[] Slopes(int heads)
    {
        int power = 1 << (int)Math.Log2(heads);
        double first = Math.Pow(2, -8.0 / power), between = Math.Pow(2, -4.0 / power);
        return [.. Enumerable.Range(0, heads).Select(head =>
            (float)(head < power ? Math.Pow(first, head + 1) : Math.Pow(between, (2 * (head - power)) + 1)))];
    }
}
