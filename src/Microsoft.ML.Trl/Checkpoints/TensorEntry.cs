using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>Where one tensor lies in a file. Every number has been checked against the file's length.</summary>
/// <param name="Name">The tensor's name, unique in its file.</param>
/// <param name="TypeName">Element type as the file spells it: <c>F32</c>, <c>BF16</c>, <c>I64</c>, ...</param>
/// <param name="Shape">Sizes, outermost first; empty for a scalar. None is negative.</param>
/// <param name="Offset">First byte, counted from the start of the file.</param>
/// <param name="Length">Size in bytes: elements times element size.</param>
public sealed record TensorEntry(string Name, string TypeName, IReadOnlyList<long> Shape, long Offset, long Length)
{
    /// <summary>The element type in memory; null when TorchSharp has none for it (8-bit floats, unsigned 16 to 64 bit).</summary>
    public ScalarType? Type => SafetensorsTypes.ToScalarType(TypeName);
}
