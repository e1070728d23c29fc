namespace Microsoft.ML.Trl.Checkpoints;

/// <summary>How a tensor of a GGUF file is stored: in blocks of a fixed length, each decoded by itself.</summary>
/// <param name="Id">Number of the type in the file.</param>
/// <param name="Name">Name of the type in ggml.</param>
/// <param name="BlockSize">Values per block; rows are whole blocks.</param>
/// <param name="BlockLength">Bytes per block.</param>
/// <param name="TypeName">Element type, as safetensors spells it, of the stored values; of the decoded ones where there are blocks.</param>
/// <param name="Decode">Decodes a block; null where the values are stored as they are.</param>
internal sealed record GgmlType(uint Id, string Name, int BlockSize, int BlockLength, string TypeName, GgmlType.BlockDecoder? Decode)
{
    public static readonly GgmlType F32 = new(0, "F32", 1, 4, "F32", null);
    public static readonly GgmlType F16 = new(1, "F16", 1, 2, "F16", null);
    public static readonly GgmlType Q8_0 = new(8, "Q8_0", 32, 34, "F32", GgmlBlocks.DecodeQ8_0);

    private static readonly GgmlType[] All =
    [
        F32, F16, new(30, "BF16", 1, 2, "BF16", null), new(2, "Q4_0", 32, 18, "F32", GgmlBlocks.DecodeQ4_0), Q8_0,
        new(12, "Q4_K", 256, 144, "F32", GgmlBlocks.DecodeQ4_K), new(14, "Q6_K", 256, 210, "F32", GgmlBlocks.DecodeQ6_K),
    ];

    private static readonly Dictionary<uint, string> Others = new()
    {
        [3] = "Q4_1", [6] = "Q5_0", [7] = "Q5_1", [9] = "Q8_1", [10] = "Q2_K", [11] = "Q3_K", [13] = "Q5_K", [15] = "Q8_K",
        [16] = "IQ2_XXS", [17] = "IQ2_XS", [18] = "IQ3_XXS", [19] = "IQ1_S", [20] = "IQ4_NL", [21] = "IQ3_S", [22] = "IQ2_S",
        [23] = "IQ4_XS", [24] = "I8", [25] = "I16", [26] = "I32", [27] = "I64", [28] = "F64", [29] = "IQ1_M", [34] = "TQ1_0",
        [35] = "TQ2_0", [39] = "MXFP4",
    };

    /// <summary>Decodes a block.</summary>
    /// <param name="block">Its bytes.</param>
    /// <param name="values">Receives its values.</param>
    public delegate void BlockDecoder(ReadOnlySpan<byte> block, Span<float> values);

    /// <exception cref="NotSupportedException">The type is another one.</exception>
    public static GgmlType Of(uint id, string tensor, string source) =>
        Array.Find(All, type => type.Id == id) ?? throw new NotSupportedException(
            $"Tensor '{tensor}' of '{source}' is stored as {Others.GetValueOrDefault(id, $"type {id}")}; read are "
            + $"{string.Join(", ", All.Select(type => type.Name))}. Take the file of the same model in one of these (Q8_0, Q4_K_M, F16).");
}
