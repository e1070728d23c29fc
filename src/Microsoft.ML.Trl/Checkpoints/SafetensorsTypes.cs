using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>Element types of the safetensors format: their size, and TorchSharp's name for them.</summary>
internal static class SafetensorsTypes
{
    private static readonly (string Name, int Size, ScalarType? Type)[] All =
    [
        ("F64", 8, ScalarType.Float64),
        ("F32", 4, ScalarType.Float32),
        ("F16", 2, ScalarType.Float16),
        ("BF16", 2, ScalarType.BFloat16),
        ("I64", 8, ScalarType.Int64),
        ("I32", 4, ScalarType.Int32),
        ("I16", 2, ScalarType.Int16),
        ("I8", 1, ScalarType.Int8),
        ("U8", 1, ScalarType.Byte),
        ("BOOL", 1, ScalarType.Bool),
        ("C64", 8, ScalarType.ComplexFloat32),
        ("U64", 8, null),
        ("U32", 4, null),
        ("U16", 2, null),
        ("F8_E4M3", 1, null),
        ("F8_E5M2", 1, null),
        ("F8_E8M0", 1, null),
    ];

    /// <summary>The names, for messages.</summary>
    public static string Known => string.Join(", ", All.Select(type => type.Name));

    /// <summary>Bytes per element, or null for a name the format does not have.</summary>
    public static int? SizeOf(string name) => All.Where(type => type.Name == name).Select(type => (int?)type.Size).FirstOrDefault();

    public static ScalarType? ToScalarType(string name) => All.FirstOrDefault(type => type.Name == name).Type;

    /// <exception cref="NotSupportedException">The format has no name for <paramref name="type"/>.</exception>
    public static string NameOf(ScalarType type) =>
        All.FirstOrDefault(candidate => candidate.Type == type).Name
        ?? throw new NotSupportedException($"The safetensors format cannot hold tensors of type {type}; convert to one of {Known}.");
}
