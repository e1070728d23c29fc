namespace Microsoft.ML.Trl;

/// <content>What saves memory.</content>
public abstract partial record TrainingOptions
{
    /// <summary>
    /// Keep no more than the input of each block for the backward pass, and compute the rest again: less memory for activations, about a
    /// third more time, the same numbers. Default true, as in TRL; false for PPO and classification, as in TRL's PPO and transformers.
    /// </summary>
    public bool GradientCheckpointing { get; init; } = true;

    /// <summary>
    /// Move what <see cref="GradientCheckpointing"/> keeps out of the way until the backward pass: from a GPU to the memory of the CPU, or,
    /// where <see cref="OffloadFolder"/> is set, from any device to a file. The same numbers. Nothing without
    /// <see cref="GradientCheckpointing"/>.
    /// </summary>
    public bool ActivationOffloading { get; init; }

    /// <summary>
    /// Folder for the file of <see cref="ActivationOffloading"/>, which is deleted at the end; on a fast disk of the machine itself.
    /// Needed on the CPU; null = in memory.
    /// </summary>
    public string? OffloadFolder { get; init; }

    /// <summary>
    /// Update the parameters of a block as soon as the backward pass has left it, and free their gradients, so that those of the whole
    /// model never exist at once (torchtune's <c>optimizer_in_bwd</c>). The same weights. What blocks do not own (embeddings, heads, last
    /// norm) is updated at the end. Needs a <see cref="MaxGradNorm"/> of 0 and one forward pass per optimizer step. A step whose gradient
    /// stops being a number on the way is half done; PPO takes it back.
    /// </summary>
    public bool OptimizerInBackward { get; init; }

    /// <summary>
    /// Blocks that are not trained, counted from below; of an encoder-decoder in encoder and decoder alike. From 0 to as many as there are.
    /// Not with <see cref="Peft"/>, which freezes all.
    /// </summary>
    public int FreezeFirstLayers { get; init; }

    /// <summary>
    /// Do not train what stands before the first block: embeddings, and what adds to, projects or norms them. Where the vocabulary
    /// projection is the token embedding, it is frozen too. Not with <see cref="Peft"/>.
    /// </summary>
    public bool FreezeEmbeddings { get; init; }

    /// <summary>
    /// LISA, arXiv:2403.17919, Algorithm 1: of the blocks, this many are trained at a time, chosen anew by chance every
    /// <see cref="LisaIntervalSteps"/> steps; what is no block is always trained. Blocks have no optimizer state while they are not trained
    /// (LMFlow keeps it), so they begin anew each time. At least 1; null = all blocks are trained. Not with <see cref="Peft"/>.
    /// </summary>
    public int? LisaActivatedLayers { get; init; }

    /// <summary>Steps between two choices of <see cref="LisaActivatedLayers"/>; of PPO, its own steps. At least 1.</summary>
    public int LisaIntervalSteps { get; init; } = 20;

    /// <summary>What <see cref="WithoutEffect"/> says of these.</summary>
    private IEnumerable<string> MemoryWithoutEffect()
    {
        if (!ActivationOffloading && OffloadFolder is not null)
            yield return "OffloadFolder without ActivationOffloading";
        if (LisaActivatedLayers is null && LisaIntervalSteps != 20)
            yield return "LisaIntervalSteps without LisaActivatedLayers";
    }

    private void ValidateMemory()
    {
        Require.AtLeast(FreezeFirstLayers, 0);
        Require.AtLeast(LisaActivatedLayers, 1);
        Require.AtLeast(LisaIntervalSteps, 1);
        if (ActivationOffloading && !GradientCheckpointing)
            throw new ArgumentException(
                "ActivationOffloading moves what GradientCheckpointing keeps, which is false; set that to true.",
                nameof(ActivationOffloading));
        if (OffloadFolder is not null && string.IsNullOrWhiteSpace(OffloadFolder))
            throw new ArgumentException("OffloadFolder is empty; name a folder, or leave it null.", nameof(OffloadFolder));
        if (OptimizerInBackward && MaxGradNorm != 0)
            throw new ArgumentException(
                $"OptimizerInBackward updates weights before the norm of the whole gradient is known, so MaxGradNorm ({MaxGradNorm}) "
                + "cannot limit it; set MaxGradNorm to 0.", nameof(OptimizerInBackward));
        if (OptimizerInBackward && Fp16)
            throw new ArgumentException(
                "OptimizerInBackward updates weights before it is known whether a gradient of Fp16 overflowed; use Bf16, or set one of the "
                + "two to false.", nameof(OptimizerInBackward));
        if (Peft is not null)
            RefuseWithPeft();
    }

    private void RefuseWithPeft()
    {
        string? given = FreezeFirstLayers > 0 ? $"{nameof(FreezeFirstLayers)} ({FreezeFirstLayers})"
            : FreezeEmbeddings ? nameof(FreezeEmbeddings)
            : LisaActivatedLayers is { } layers ? $"{nameof(LisaActivatedLayers)} ({layers})"
            : null;
        if (given is not null)
            throw new ArgumentException(
                $"{given} has no meaning with Peft, which trains adapters alone; LayersToTransform of Peft says beside which blocks. "
                + "Leave one of the two out.", given.Split(' ')[0]);
    }

    /// <summary>Throws an <see cref="ArgumentException"/> where several passes cannot add up to a step.</summary>
    private protected void ValidateAccumulation(int gradientAccumulationSteps)
    {
        if (OptimizerInBackward && gradientAccumulationSteps != 1)
            throw new ArgumentException(
                $"OptimizerInBackward updates weights in every backward pass, but GradientAccumulationSteps is "
                + $"{gradientAccumulationSteps}; set it to 1.", nameof(gradientAccumulationSteps));
    }
}
