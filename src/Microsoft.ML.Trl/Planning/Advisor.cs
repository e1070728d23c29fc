namespace Microsoft.ML.Trl.Planning;

/// <summary>Changes of options that may take less memory.</summary>
internal static class Advisor
{
    /// <summary>All changes that make sense for a run, with what they cost. A new option of memory is a line here.</summary>
    /// <param name="options">Checked.</param>
    public static IEnumerable<(string Change, string Price, TrainingOptions Options)> Changes(TrainingOptions options)
    {
        if (options.Peft is null)
        {
            var lora = new LoraOptions { R = 16, LoraAlpha = 32 };
            bool sharesLayers = options is PpoOptions { NumSharedLayers: not null };
            if (!sharesLayers)
                yield return ("Peft = new LoraOptions { R = 16, LoraAlpha = 32 }", "trains an adapter in the place of the weights",
                    options with { Peft = lora });
        }
        if (!options.Bf16)
            yield return ("Bf16 = true", "rounds weights and activations to 8 bits of precision", options with { Bf16 = true });
        foreach ((string, string, TrainingOptions) change in options switch
        {
            PpoOptions ppo => OfPpo(ppo),
            EpochOptions epochs => OfEpochs(epochs),
            _ => [],
        })
            yield return change;
        if (options.WeightAveraging is { } averaging && averaging.IsCorrected)
            yield return ("WeightAveraging with BiasPower = null", "no correction of the bias",
                options with { WeightAveraging = averaging with { BiasPower = null } });
    }

    private static IEnumerable<(string, string, TrainingOptions)> OfEpochs(EpochOptions options)
    {
        if (options.PerDeviceTrainBatchSize > 1)
        {
            int steps = options.PerDeviceTrainBatchSize * options.GradientAccumulationSteps;
            yield return ($"PerDeviceTrainBatchSize = 1, GradientAccumulationSteps = {steps}", "the same steps, in more passes",
                options with { PerDeviceTrainBatchSize = 1, GradientAccumulationSteps = steps });
        }
        if (options is SftOptions { MaxLength: > 3 and { } most } sft)
        {
            yield return ($"MaxLength = {most / 2}", "longer rows lose their end", sft with { MaxLength = most / 2 });
            if (!sft.ReadsPaddingFree)
                yield return ("PaddingFree = true", "none", sft with { PaddingFree = true });
        }
        if (options is not DpoOptions dpo)
            yield break;
        if (dpo.MaxLength is > 3 and { } longest)
            yield return ($"MaxLength = {longest / 2}", "longer rows lose their end", dpo with { MaxLength = longest / 2 });
        if (!dpo.PaddingFree)
            yield return ("PaddingFree = true", "none", dpo with { PaddingFree = true });
        if (!dpo.PrecomputeRefLogProbs && !dpo.ReferenceFree && !dpo.SyncRefModel)
            yield return ("PrecomputeRefLogProbs = true", "all pairs are read once before the first step",
                dpo with { PrecomputeRefLogProbs = true });
    }

    private static IEnumerable<(string, string, TrainingOptions)> OfPpo(PpoOptions options)
    {
        if (options.MiniBatchSize > 1)
        {
            int steps = options.GradientAccumulationSteps * options.MiniBatchSize;
            yield return ($"MiniBatchSize = 1, GradientAccumulationSteps = {steps}", "the same updates, in more passes",
                options with { MiniBatchSize = 1, GradientAccumulationSteps = steps });
        }
        int rows = Math.Min(options.BatchSize, options.GenerationBatchSize ?? options.BatchSize);
        if (rows > 1)
            yield return ($"GenerationBatchSize = {rows / 2}", "sampling is slower", options with { GenerationBatchSize = rows / 2 });
        if (options.NumSharedLayers is null && options.Peft is null)
            yield return ("NumSharedLayers = 0", "the embeddings are not trained", options with { NumSharedLayers = 0 });
    }
}
