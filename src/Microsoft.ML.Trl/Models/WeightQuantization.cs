namespace Microsoft.ML.Trl;

/// <summary>How the matrices of a model are held in memory; what is computed with stays float: the type that the model has.</summary>
/// <remarks>
/// Quantized models are used on the CPU. Their weights are not trained, but adapters beside them are: QLoRA, arXiv:2305.14314. A saved
/// pipeline holds the few bits; a saved folder has widened weights. Products with few rows are fast and exact on processors with AVX-512;
/// on others those with 8 bits round to bfloat16 where no gradient is recorded, and those with 4 bits are slow.
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

    /// <summary>
    /// 4 bits, with a float scale for every 64 weights: the 4-bit NormalFloat of bitsandbytes, as <c>load_in_4bit</c> with
    /// <c>bnb_4bit_quant_type="nf4"</c>. Embedding and vocabulary projection stay as they are, as there; a model in bfloat16 holds them in
    /// half the memory. The type of the model is what <c>bnb_4bit_compute_dtype</c> says there. 4.5 bits per weight.
    /// </summary>
    Nf4,

    /// <summary>
    /// <see cref="Nf4"/> with double quantization, <c>bnb_4bit_use_double_quant</c> (TRL: <c>use_bnb_nested_quant</c>): the scales have 8
    /// bits. 4.13 bits per weight.
    /// </summary>
    Nf4Nested,
}
