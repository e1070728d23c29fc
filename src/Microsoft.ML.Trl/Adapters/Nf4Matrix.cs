using Microsoft.ML.Trl.Models;
using Microsoft.ML.Trl.Operators;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>
/// 4-bit NormalFloat weights as in bitsandbytes: arXiv:2305.14314, section 3; see <see cref="Nf4Kernel"/>. With double quantization the
/// scales are 8-bit codes for what is left of them without their mean, with a scale for every 256.
/// </summary>
internal sealed class Nf4Matrix : QuantizedMatrix
{
    private const string Absmax = "absmax", Nested = "nested_absmax", Offset = "nested_offset";

    private readonly Tensor _codes;
    private readonly Nf4Scales _scales;
    private readonly Tensor? _map;

    /// <param name="outputs">N.</param>
    /// <param name="inputs">K.</param>
    /// <param name="codes">[(N·K + 1) / 2] bytes; owned from here on.</param>
    /// <param name="absmax">[blocks] float32; owned from here on.</param>
    /// <param name="type">The type of the weights that it stands for.</param>
    public Nf4Matrix(long outputs, long inputs, Tensor codes, Tensor absmax, ScalarType type)
        : base(outputs, inputs, type, ("", codes), (Absmax, absmax)) => (_codes, _scales) = (codes, new Nf4Scales(absmax));

    /// <summary>With double quantization.</summary>
    /// <param name="outputs">N.</param>
    /// <param name="inputs">K.</param>
    /// <param name="codes">[(N·K + 1) / 2] bytes; owned from here on.</param>
    /// <param name="scales">Without a map; owned from here on.</param>
    /// <param name="type">The type of the weights that it stands for.</param>
    public Nf4Matrix(long outputs, long inputs, Tensor codes, Nf4Scales scales, ScalarType type)
        : base(outputs, inputs, type, ("", codes), (Absmax, scales.Absmax), (Nested, scales.Nested!), (Offset, scales.Offset!))
    {
        _map = DynamicCode.Signed.Numbers().DetachFromDisposeScope();
        (_codes, _scales) = (codes, scales with { Map = _map });
    }

    public override WeightQuantization Kind => _map is null ? WeightQuantization.Nf4 : WeightQuantization.Nf4Nested;

    protected override int MostRows => Nf4Kernel.IsSupported && Inputs % Nf4Kernel.BlockSize == 0 ? 16 : 0;

    /// <summary>Names and types of what a matrix is made of, with the number of elements of each.</summary>
    public static IReadOnlyList<(string Name, ScalarType Type, long Size)> Layout(long outputs, long inputs, bool isNested)
    {
        long count = outputs * inputs, blocks = (count + Nf4Kernel.BlockSize - 1) / Nf4Kernel.BlockSize;
        (string, ScalarType, long) codes = ("", ScalarType.Byte, (count + 1) / 2);
        return isNested
            ?
            [
                codes, (Absmax, ScalarType.Byte, blocks), (Nested, ScalarType.Float32, NestedBlocks(blocks)),
                (Offset, ScalarType.Float32, 1),
            ]
            : [codes, (Absmax, ScalarType.Float32, blocks)];
    }

    /// <summary>A matrix of the parts of <see cref="Layout"/>.</summary>
    /// <param name="outputs">N.</param>
    /// <param name="inputs">K.</param>
    /// <param name="parts">Owned from here on.</param>
    /// <param name="type">The type of the weights that it stands for.</param>
    public static Nf4Matrix Of(long outputs, long inputs, IReadOnlyList<Tensor> parts, ScalarType type) => parts.Count == 2
        ? new(outputs, inputs, parts[0], parts[1], type)
        : new(outputs, inputs, parts[0], new Nf4Scales(parts[1], parts[2], parts[3]), type);

    /// <summary>Rounds a matrix.</summary>
    /// <param name="matrix">[N, K] of any floating type; only read.</param>
    /// <param name="isNested">Whether the scales are quantized too.</param>
    public static Nf4Matrix Of(Tensor matrix, bool isNested) => Of(MatrixRows.Of(matrix), isNested);

    /// <summary>The same, some rows at a time.</summary>
    public static Nf4Matrix Of(MatrixRows matrix, bool isNested)
    {
        using IDisposable frozen = no_grad();
        using var scope = NewDisposeScope();
        (long outputs, long inputs) = (matrix.Outputs, matrix.Inputs);
        var layout = Layout(outputs, inputs, isNested: false);
        Tensor codes = empty(layout[0].Size, ScalarType.Byte), absmax = empty(layout[1].Size, ScalarType.Float32);
        foreach ((long from, Tensor values) in matrix.Values())
            using (NewDisposeScope())
            {
                long first = from * inputs, count = values.NumberOfElements;
                long blocks = (count + Nf4Kernel.BlockSize - 1) / Nf4Kernel.BlockSize;
                Nf4Product.Quantize(
                    values, codes.narrow(0, first / 2, (count + 1) / 2), absmax.narrow(0, first / Nf4Kernel.BlockSize, blocks));
            }
        return isNested
            ? new Nf4Matrix(outputs, inputs, codes, Quantized(absmax), matrix.Type)
            : new Nf4Matrix(outputs, inputs, codes, absmax, matrix.Type);
    }

    protected override QuantizedMatrix Of(Tensor[] parts, ScalarType type) => Of(Outputs, Inputs, parts, type);

    protected override Tensor Few(Tensor x, Tensor? bias) => Nf4Product.Multiply(x, _codes, _scales, Outputs, bias);

    protected override void Widen(long from, long count, Tensor into) => Nf4Product.Widen(_codes, _scales, from * Inputs, into);

    protected override Tensor Widened(Tensor indices) =>
        stack([.. indices.data<long>().ToArray().Select(row =>
        {
            Tensor into = empty(Inputs, ScalarType.Float32);
            Nf4Product.Widen(_codes, _scales, row * Inputs, into);
            return into;
        })]);

    protected override void Free() => _map?.Dispose();

    /// <summary>Double quantization: section 3 of the paper, with the dynamic 8-bit codes that bitsandbytes uses.</summary>
    private static Nf4Scales Quantized(Tensor absmax) // [blocks]
    {
        long blocks = absmax.size(0), groups = NestedBlocks(blocks), size = Nf4Kernel.NestedBlockSize;
        Tensor offset = absmax.mean();
        Tensor padded = cat([absmax - offset, zeros((groups * size) - blocks)]).view(groups, size);
        Tensor nested = padded.abs().amax([1]);
        Tensor scaled = padded * (1 / nested.masked_fill(nested.eq(0), 1)).unsqueeze(1);
        Tensor codes = DynamicCode.Signed.Encode(scaled.clamp(-1, 1)).view(-1).narrow(0, 0, blocks).clone();
        return new Nf4Scales(codes, nested, offset.view(1));
    }

    private static long NestedBlocks(long blocks) => (blocks + Nf4Kernel.NestedBlockSize - 1) / Nf4Kernel.NestedBlockSize;
}
