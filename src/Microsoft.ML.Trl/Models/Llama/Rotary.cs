using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Turns queries and keys by an angle that grows with their place: arXiv:2104.09864, halves paired as in LLaMA checkpoints.</summary>
/// <param name="Cosines">[T or B·T, 1, d / 2].</param>
/// <param name="Sines">The same.</param>
internal sealed record Rotary(Tensor Cosines, Tensor Sines)
{
    /// <param name="x">[B, T, heads · d].</param>
    /// <param name="headSize">d.</param>
    /// <returns>[B, T, heads, d]. The caller owns it.</returns>
    public Tensor Turn(Tensor x, int headSize)
    {
        using var scope = NewDisposeScope();
        (long batch, long length) = (x.shape[0], x.shape[1]);
        long[] halves = [batch * length / Cosines.shape[0], Cosines.shape[0], x.shape[2] / headSize, headSize / 2];
        Tensor pairs = x.view(halves[0], halves[1], halves[2], headSize);
        Tensor first = pairs.narrow(-1, 0, headSize / 2);
        Tensor second = pairs.narrow(-1, headSize / 2, headSize / 2);
        Tensor turned = cat([(first * Cosines) - (second * Sines), (second * Cosines) + (first * Sines)], -1);
        return turned.view(batch, length, halves[2], headSize).MoveToOuterDisposeScope();
    }
}
