namespace Microsoft.ML.Trl;

/// <summary>How the matrices of a model are stored in a GGUF file that is written. Norms and biases are always float32.</summary>
public enum GgufType
{
    /// <summary>16 bit per weight.</summary>
    F16,

    /// <summary>
    /// 8.5 bit per weight: blocks of 32 whole numbers with a float16 scale. Matrices whose rows are no multiple of 32 are stored as
    /// <see cref="F16"/>.
    /// </summary>
    Q8_0,
}
