namespace Microsoft.ML.Trl;

/// <summary>How the matrices of a model are held in memory for generation; what is computed with stays float.</summary>
/// <remarks>
/// Quantized models are used on the CPU, are not trained, and are saved widened: as they were, but for the rounding. Products with them are
/// fast and exact on processors with AVX-512; on others those with 8 bits round to bfloat16, and those with 4 bits are slow.
/// </remarks>
public enum WeightQuantization
{
    /// <summary>As they are.</summary>
    None,

    /// <summary>
    /// 8 bits, with a float scale for each output: the largest weight of a row is 127. Embedding and vocabulary projection included.
    /// </summary>
    Int8,

    /// <summary>
    /// 4 bits, with a float scale for every 32 inputs of an output, as in GGUF's Q4_0; embedding, vocabulary projection and matrices
    /// whose number of inputs 32 does not divide have 8 bits.
    /// </summary>
    Int4,
}
