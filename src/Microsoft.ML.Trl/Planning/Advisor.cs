namespace Microsoft.ML.Trl.Planning;

/// <summary>A change of options that may take less memory.</summary>
/// <param name="Option">Which is changed first: one change may be made in several ways, but not twice.</param>
/// <param name="Text">As it would be written.</param>
/// <param name="Price">What it costs.</param>
/// <param name="Options">The changed ones, not checked.</param>
internal sealed record MemoryChange(string Option, string Text, string Price, TrainingOptions Options);

/// <summary>Changes of options that may take less memory.</summary>
internal static class Advisor
{
    /// <summary>All changes that make sense for a run, the cheapest first. A new option of memory is a line here.</summary>
    /// <param name="options">Checked.</param>
    /// <param name="isCpu">Whether the run is on the CPU.</param>
    public static IEnumerable<MemoryChange> Changes(TrainingOptions options, bool isCpu)
    {
        bool sharesLayers = options is PpoOptions { NumSharedLayers: not null };
        return OfPasses(options).Concat(OfBlocks(options, isCpu)).Concat(OfPpo(options)).Concat(OfPrecision(options))
            .Concat(sharesLayers ? [] : OfAdapters(options, isCpu));
    }

    /// <summary>The same steps, in another order.</summary>
    private static IEnumerable<MemoryChange> OfPasses(TrainingOptions options)
    {
        if (options is SftOptions { ReadsPaddingFree: false } sft)
            yield return new("PaddingFree", "PaddingFree = true", "none", sft with { PaddingFree = true });
        if (options is DpoOptions { PaddingFree: false } pairs)
            yield return new("PaddingFree", "PaddingFree = true", "none", pairs with { PaddingFree = true });
        if (options is EpochOptions { PerDeviceTrainBatchSize: > 1 } epochs)
        {
            int steps = epochs.PerDeviceTrainBatchSize * epochs.GradientAccumulationSteps;
            yield return new(
                nameof(epochs.PerDeviceTrainBatchSize), $"PerDeviceTrainBatchSize = 1, GradientAccumulationSteps = {steps}",
                "the same steps, in more passes", epochs with { PerDeviceTrainBatchSize = 1, GradientAccumulationSteps = steps });
        }
        if (options is PpoOptions { MiniBatchSize: > 1 } ppo)
        {
            int steps = ppo.GradientAccumulationSteps * ppo.MiniBatchSize;
            yield return new(
                nameof(ppo.MiniBatchSize), $"MiniBatchSize = 1, GradientAccumulationSteps = {steps}", "the same updates, in more passes",
                ppo with { MiniBatchSize = 1, GradientAccumulationSteps = steps });
        }
        if (options is DpoOptions { PrecomputeRefLogProbs: false, ReferenceFree: false, SyncRefModel: false } dpo)
            yield return new(
                nameof(dpo.PrecomputeRefLogProbs), "PrecomputeRefLogProbs = true", "all pairs are read once before the first step",
                dpo with { PrecomputeRefLogProbs = true });
    }

    /// <summary>The same numbers, in more time or without a limit.</summary>
    private static IEnumerable<MemoryChange> OfBlocks(TrainingOptions options, bool isCpu)
    {
        if (!options.GradientCheckpointing)
            yield return new(
                nameof(options.GradientCheckpointing), "GradientCheckpointing = true", "a second forward pass",
                options with { GradientCheckpointing = true });
        else if (!options.ActivationOffloading)
            yield return isCpu
                ? new(
                    nameof(options.ActivationOffloading), "ActivationOffloading = true, OffloadFolder = a folder on a fast disk",
                    "inputs of blocks are written and read again", options with { ActivationOffloading = true, OffloadFolder = "." })
                : new(
                    nameof(options.ActivationOffloading), "ActivationOffloading = true", "inputs of blocks go to the CPU and back",
                    options with { ActivationOffloading = true });
        if (!options.OptimizerInBackward && !options.Fp16)
            yield return new(
                nameof(options.OptimizerInBackward), "OptimizerInBackward = true, MaxGradNorm = 0", "gradients are not clipped",
                options with { OptimizerInBackward = true, MaxGradNorm = 0 });
    }

    private static IEnumerable<MemoryChange> OfPpo(TrainingOptions options)
    {
        if (options is not PpoOptions ppo)
            yield break;
        int rows = Math.Min(ppo.BatchSize, ppo.GenerationBatchSize ?? ppo.BatchSize);
        if (rows > 1)
            yield return new(
                nameof(ppo.GenerationBatchSize), $"GenerationBatchSize = {rows / 2}", "sampling is slower",
                ppo with { GenerationBatchSize = rows / 2 });
        if (ppo is { NumSharedLayers: null, Peft: null, ReferenceModel: ReferenceKind.Full })
            yield return new(
                nameof(ppo.NumSharedLayers), "NumSharedLayers = 0", "the embeddings are not trained", ppo with { NumSharedLayers = 0 });
    }

    /// <summary>Other numbers, nearly the same.</summary>
    private static IEnumerable<MemoryChange> OfPrecision(TrainingOptions options)
    {
        if (options.WeightAveraging is { } averaging && averaging.IsCorrected)
            yield return new(
                nameof(options.WeightAveraging), "WeightAveraging with BiasPower = null", "no correction of the bias",
                options with { WeightAveraging = averaging with { BiasPower = null } });
        const string Int8Price = "log-probabilities of the reference are a little off";
        if (options is DpoOptions { ReferenceModel: ReferenceKind.Full, ReferenceFree: false, SyncRefModel: false, Peft: null } dpo)
            yield return new(
                nameof(dpo.ReferenceModel), "ReferenceModel = ReferenceKind.Int8", Int8Price,
                dpo with { ReferenceModel = ReferenceKind.Int8 });
        if (options is PpoOptions { ReferenceModel: ReferenceKind.Full, NumSharedLayers: null, Peft: null } ppo)
            yield return new(
                nameof(ppo.ReferenceModel), "ReferenceModel = ReferenceKind.Int8", Int8Price,
                ppo with { ReferenceModel = ReferenceKind.Int8 });
        if (options is { Optim: OptimizerKind.AdamW or OptimizerKind.Adam, OptimizerFactory: null })
        {
            OptimizerKind narrow = options.Optim == OptimizerKind.Adam ? OptimizerKind.Adam8Bit : OptimizerKind.AdamW8Bit;
            yield return new(
                nameof(options.Optim), $"Optim = OptimizerKind.{narrow}", "moments are rounded to 8 bits", options with { Optim = narrow });
        }
        if (options is { Bf16: true, StochasticRounding: false, OptimizerFactory: null })
            yield return new(
                nameof(options.StochasticRounding), "StochasticRounding = true", "updates are rounded at random",
                options with { StochasticRounding = true });
        if (options is { Bf16: false, Fp16: false })
            yield return new(
                nameof(options.Bf16), "Bf16 = true", "rounds weights and activations to 8 bits of precision", options with { Bf16 = true });
        if (options is { Optim: not (OptimizerKind.Adafactor or OptimizerKind.Sgd), OptimizerFactory: null })
            yield return new(
                "Optim, another rule", "Optim = OptimizerKind.Adafactor", "another rule, without momentum", options with
                {
                    Optim = OptimizerKind.Adafactor, AdamBeta1 = 0.9, AdamBeta2 = 0.999, AdamEpsilon = 1e-8,
                });
        foreach (MemoryChange change in OfLength(options))
            yield return change;
    }

    private static IEnumerable<MemoryChange> OfLength(TrainingOptions options)
    {
        const string Price = "longer rows lose their end";
        if (options is SftOptions { MaxLength: > 3 and { } most } sft)
            yield return new(nameof(sft.MaxLength), $"MaxLength = {most / 2}", Price, sft with { MaxLength = most / 2 });
        if (options is DpoOptions { MaxLength: > 3 and { } longest } dpo)
            yield return new(nameof(dpo.MaxLength), $"MaxLength = {longest / 2}", Price, dpo with { MaxLength = longest / 2 });
    }

    private static IEnumerable<MemoryChange> OfAdapters(TrainingOptions options, bool isCpu)
    {
        const string Lora = "Peft = new LoraOptions { R = 16, LoraAlpha = 32 }";
        TrainingOptions adapted = options.Peft is not null ? options : options with
        {
            Peft = new LoraOptions { R = 16, LoraAlpha = 32 },
            FreezeFirstLayers = 0, FreezeEmbeddings = false, LisaActivatedLayers = null,
        };
        if (options.Peft is null)
            yield return new(nameof(options.Peft), Lora, "trains an adapter in the place of the weights", adapted);
        if (isCpu && options.BaseQuantization is not (WeightQuantization.Nf4Nested or WeightQuantization.Nf4))
            yield return new(
                nameof(options.BaseQuantization),
                (options.Peft is null ? Lora + ", " : "") + "BaseQuantization = WeightQuantization.Nf4Nested",
                options.Peft is null ? "trains an adapter beside weights of 4 bits" : "the weights beside the adapter have 4 bits",
                adapted with { BaseQuantization = WeightQuantization.Nf4Nested });
    }
}
