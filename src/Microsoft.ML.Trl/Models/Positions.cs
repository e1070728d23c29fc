using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>How a decoder knows the order of its tokens. A scheme does one of the two.</summary>
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
}

/// <summary>Positions as in GPT-2: one learned row per position, added to the embedding of the token that stands there.</summary>
internal sealed class LearnedPositions : Positions
{
    [ComponentName(Name = "weight")] private readonly Parameter _weight;

    public LearnedPositions(WeightPath at, long positions, long width, Initializer initializer)
        : base(at.Name) => register_parameter("weight", _weight = at.Take("weight", initializer, positions, width));

    public override Tensor AddTo(Tensor tokens, AttentionPattern pattern)
    {
        using var scope = NewDisposeScope();
        Tensor rows = EmbeddingLookup.Rows(_weight, pattern.Positions); // [T, H] or [B·T, H]
        return tokens.view(-1, rows.shape[0], rows.shape[1]).add_(rows).view(tokens.shape).MoveToOuterDisposeScope();
    }
}

/// <summary>
/// Rotary positions: queries and keys are turned by an angle that grows with their position. arXiv:2104.09864, halves paired as in LLaMA
/// checkpoints. One for all blocks of a decoder: the angles are worked out once per call.
/// </summary>
internal sealed class RotaryPositions : Positions
{
    private readonly Tensor _frequencies; // [1, d / 2] radians per position; no buffer: it stays float32 where the model does not

    /// <param name="frequencies">Radians per position of each pair of dimensions.</param>
    /// <param name="device">Device of the model.</param>
    public RotaryPositions(float[] frequencies, Device device) : base(nameof(RotaryPositions))
    {
        using var scope = NewDisposeScope();
        _frequencies = tensor(frequencies).unsqueeze(0).to(device).DetachFromDisposeScope();
    }

    public override Tensor Turn(Tensor heads, AttentionPattern pattern)
    {
        using var scope = NewDisposeScope();
        Tensor[] angles = pattern.Once((this, heads.dtype), () => Angles(pattern, heads.dtype));
        long half = heads.shape[^1] / 2;
        return addcmul(heads * angles[0], heads.roll(half, -1), angles[1], 1).MoveToOuterDisposeScope();
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            _frequencies.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Cosines, and sines with the sign of their half: each [1 or B, T, 1, d].</summary>
    private Tensor[] Angles(AttentionPattern pattern, ScalarType type)
    {
        Tensor positions = pattern.Positions.to_type(ScalarType.Float32).unsqueeze(-1);
        Tensor angles = positions * _frequencies.to(positions.device); // [T or B·T, d / 2]
        (Tensor cosines, Tensor sines) = (angles.cos(), angles.sin());
        Tensor Spread(Tensor left, Tensor right) => cat([left, right], -1).view(-1, pattern.Length, 1, 2 * angles.shape[1]).to_type(type);
        return [Spread(cosines, cosines), Spread(sines.neg(), sines)];
    }
}
