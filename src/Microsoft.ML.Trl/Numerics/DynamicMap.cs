using Microsoft.ML.Trl.Operators;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>
/// The 256 numbers in [-1, 1], or [0, 1], that dynamic 8-bit codes stand for: bitsandbytes' <c>create_dynamic_map</c>, after
/// arXiv:1511.04561, section 2.3. Each power of ten down to 1e-6 has numbers of its own, twice as many as the power below it.
/// </summary>
internal static class DynamicMap
{
    /// <summary>In ascending order: what code 0, 1, ... 255 stand for.</summary>
    /// <param name="isSigned">Whether negative numbers are among them.</param>
    public static ReadOnlySpan<float> Values(bool isSigned) => (isSigned ? DynamicCode.Signed : DynamicCode.Unsigned).Values;

    /// <summary>[256] float32 on the CPU: <see cref="Values"/> as a tensor. The caller owns it.</summary>
    public static Tensor Numbers(bool isSigned) => tensor(Values(isSigned).ToArray());

    /// <summary>The codes of the numbers that are nearest; of two that are equally near the lower one.</summary>
    /// <param name="values">Any shape, float32, in the range of the map; what is beyond gets its first or last code.</param>
    /// <param name="isSigned">Of the map.</param>
    /// <returns>Same shape, bytes. The caller owns it.</returns>
    public static Tensor Encode(Tensor values, bool isSigned)
    {
        using var scope = NewDisposeScope();
        Tensor map = Numbers(isSigned), midpoints = (map.narrow(0, 0, 255) + map.narrow(0, 1, 255)) / 2;
        return bucketize(values, midpoints.to(values.device)).to_type(ScalarType.Byte).MoveToOuterDisposeScope();
    }

    /// <summary>What codes stand for.</summary>
    /// <param name="codes">Any shape, bytes.</param>
    /// <param name="isSigned">Of the map.</param>
    /// <returns>Same shape, float32. The caller owns it.</returns>
    public static Tensor Decode(Tensor codes, bool isSigned)
    {
        using var scope = NewDisposeScope();
        Tensor map = Numbers(isSigned).to(codes.device);
        return map.index_select(0, codes.view(-1).to_type(ScalarType.Int32)).view(codes.shape).MoveToOuterDisposeScope();
    }
}
