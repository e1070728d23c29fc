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
        return OfPasses(options).Concat(OfBlocks(options, isCpu)).Concat(OfSampling(options)).Concat(OfPrecision(options))
            .Concat(sharesLayers ? [] : OfAdapters(options, isCpu));
    }

    /// <summary>The same steps, in another order.</summary>
    private static IEnumerable<MemoryChange> OfPasses(TrainingOptions options)
    {
        if (Passes.IsPaddingFree(options) == false)
            yield return new("PaddingFree", "PaddingFree = true", "none", PaddingFree(options));
        if (options is EpochOptions epochs && SmallerPasses(epochs) is { } smaller)
            yield return smaller;
        if (options is PpoOptions { MiniBatchSize: > 1 } ppo)
        {
            int steps = ppo.GradientAccumulationSteps * ppo.MiniBatchSize;
            yield return new(
                nameof(ppo.MiniBatchSize), $"MiniBatchSize = 1, GradientAccumulationSteps = {steps}", "the same updates, in more passes",
                ppo with { MiniBatchSize = 1, GradientAccumulationSteps = steps });
        }
        if (options is ReferenceOptions { SyncRefModel: false } held && PlannedReference.Of(held) is not null)
            yield return new(
                nameof(held.PrecomputeRefLogProbs), "PrecomputeRefLogProbs = true", "all rows are read once before the first step",
                held with { PrecomputeRefLogProbs = true });
    }

    private static TrainingOptions PaddingFree(TrainingOptions options) => options switch
    {
        SftOptions sft => sft with { PaddingFree = true },
        PreferenceOptions preferences => preferences with { PaddingFree = true },
        GroupOptions groups => groups with { PaddingFree = true },
        TextDistillationOptions texts => texts with { PaddingFree = true },
        _ => ((RaftOptions)options) with { PaddingFree = true },
    };

    /// <summary>As few rows in a pass as the method can learn from, and as many more passes in a step.</summary>
    private static MemoryChange? SmallerPasses(EpochOptions options)
    {
        bool compares = options is KtoOptions { LossType: KtoLossType.Kto };
        int rows = options.PerDeviceTrainBatchSize, least = compares ? 2 : 1;
        if (rows <= least || rows % least != 0)
            return null;
        int steps = options.GradientAccumulationSteps * rows / least;
        EpochOptions changed = options with { PerDeviceTrainBatchSize = least, GradientAccumulationSteps = steps };
        string text = $"PerDeviceTrainBatchSize = {least}, GradientAccumulationSteps = {steps}";
        if (changed is GroupOptions { StepsPerGeneration: { } parts } groups)
        {
            changed = groups with { StepsPerGeneration = parts * rows };
            text += $", StepsPerGeneration = {parts * rows}";
        }
        string price = compares ? "completions are compared with those of fewer others"
            : options is GroupOptions ? "the same steps, in more passes, each of which reads its prompt" : "the same steps, in more passes";
        return new(nameof(options.PerDeviceTrainBatchSize), text, price, changed);
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

    private static IEnumerable<MemoryChange> OfSampling(TrainingOptions options)
    {
        const string Price = "sampling is slower";
        if (options is GroupOptions { StepsPerGeneration: null } groups
            && (long)groups.PassesPerGeneration * groups.PerDeviceTrainBatchSize / 2 is > 1 and <= int.MaxValue and var half)
            yield return new(
                nameof(groups.GenerationBatchSize), $"GenerationBatchSize = {half}", Price,
                groups with { GenerationBatchSize = (int)half });
        if (options is RaftOptions { InferenceBatchSizePerDevice: > 1 } raft)
        {
            int atOnce = raft.InferenceBatchSizePerDevice / 2;
            yield return new(
                nameof(raft.InferenceBatchSizePerDevice), $"InferenceBatchSizePerDevice = {atOnce}", Price,
                raft with { InferenceBatchSizePerDevice = atOnce });
        }
        if (options is not PpoOptions ppo)
            yield break;
        int rows = Math.Min(ppo.BatchSize, ppo.GenerationBatchSize ?? ppo.BatchSize);
        if (rows > 1)
            yield return new(
                nameof(ppo.GenerationBatchSize), $"GenerationBatchSize = {rows / 2}", Price,
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
        if (options.Peft is null && PlannedReference.Of(options) is { Kind: ReferenceKind.Full, Moves: false, SharesLayers: false })
            yield return new(
                "ReferenceModel", "ReferenceModel = ReferenceKind.Int8", "log-probabilities of the reference are a little off",
                WithInt8Reference(options));
        if (PlannedTeacher.KindOf(options) == ReferenceKind.Full)
            yield return new(
                "TeacherModel", "TeacherModel = ReferenceKind.Int8", "distributions of the teacher are a little off",
                options is MiniLlmOptions mini ? mini with { TeacherModel = ReferenceKind.Int8 }
                    : ((DistillationOptions)options) with { TeacherModel = ReferenceKind.Int8 });
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

    private static TrainingOptions WithInt8Reference(TrainingOptions options) => options switch
    {
        ReferenceOptions held => held with { ReferenceModel = ReferenceKind.Int8 },
        GroupOptions groups => groups with { ReferenceModel = ReferenceKind.Int8 },
        OnlinePairOptions online => online with { ReferenceModel = ReferenceKind.Int8 },
        _ => ((PpoOptions)options) with { ReferenceModel = ReferenceKind.Int8 },
    };

    private static IEnumerable<MemoryChange> OfLength(TrainingOptions options)
    {
        const string Price = "longer rows lose their end";
        if (options is SftOptions { MaxLength: > 3 and { } most } sft)
            yield return new(nameof(sft.MaxLength), $"MaxLength = {most / 2}", Price, sft with { MaxLength = most / 2 });
        if (options is PreferenceOptions { MaxLength: > 3 and { } longest } rows)
            yield return new(nameof(rows.MaxLength), $"MaxLength = {longest / 2}", Price, rows with { MaxLength = longest / 2 });
        if (options is TextDistillationOptions { MaxLength: > 3 and { } whole } texts)
            yield return new(nameof(texts.MaxLength), $"MaxLength = {whole / 2}", Price, texts with { MaxLength = whole / 2 });
        if (options is GroupOptions { Generation: { MaxNewTokens: > 1 and var answer } generation } groups)
            yield return new(
                nameof(groups.Generation), $"Generation with MaxNewTokens = {answer / 2}", "longer completions lose their end",
                groups with
                {
                    Generation = generation with
                    {
                        MaxNewTokens = answer / 2, MinNewTokens = Math.Min(generation.MinNewTokens, answer / 2),
                    },
                });
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
