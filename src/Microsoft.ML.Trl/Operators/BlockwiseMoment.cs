using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Operators;

/// <summary>A tensor in 8 bits: numbers of a <see cref="DynamicCode"/>, each times the largest magnitude of its block.</summary>
/// <param name="Codes">[n] uint8.</param>
/// <param name="Scales">[n / 256, rounded up] float32.</param>
/// <param name="Code">What the bytes mean.</param>
internal sealed record BlockwiseMoment(Tensor Codes, Tensor Scales, DynamicCode Code)
{
    /// <summary>Numbers that share a scale, as in bitsandbytes.</summary>
    public const int BlockSize = 256;

    /// <summary>Scales of so many numbers.</summary>
    public static long BlocksOf(long count) => (count + BlockSize - 1) / BlockSize;

    /// <summary>Some numbers in float32, by libtorch's operators.</summary>
    /// <param name="start">A multiple of the block size.</param>
    /// <param name="count">How many.</param>
    /// <returns>[count]. The caller owns it.</returns>
    public Tensor Read(long start, long count)
    {
        using DisposeScope scope = NewDisposeScope();
        return (Code.Decode(Codes.narrow(0, start, count)) * PerNumber(start, count)).MoveToOuterDisposeScope();
    }

    /// <summary>Takes other numbers, each rounded to the nearest that there is, by libtorch's operators.</summary>
    /// <param name="start">A multiple of the block size.</param>
    /// <param name="values">[count] float32.</param>
    public void Write(long start, Tensor values)
    {
        using DisposeScope scope = NewDisposeScope();
        long count = values.size(0), blocks = BlocksOf(count);
        Tensor padded = zeros(blocks * BlockSize, ScalarType.Float32, values.device);
        padded.narrow(0, 0, count).copy_(values);
        Scales.narrow(0, start / BlockSize, blocks).copy_(padded.view(blocks, BlockSize).abs().amax(1));
        Tensor scales = PerNumber(start, count);
        Tensor shares = where(scales.gt(0), values / scales, zeros_like(values));
        Codes.narrow(0, start, count).copy_(Code.Encode(shares.contiguous()));
    }

    private Tensor PerNumber(long start, long count) =>
        Scales.narrow(0, start / BlockSize, BlocksOf(count)).unsqueeze(-1).expand(-1, BlockSize).reshape(-1).narrow(0, 0, count);
}
