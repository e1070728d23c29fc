using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Planning;

/// <summary>The planned peak is within a fifth of the measured one.</summary>
[TestClass]
public sealed class PlanPeakTests
{
    private static readonly LoraOptions Lora = new() { R = 8, LoraAlpha = 16 };

    private static readonly SftOptions Sft = new() { MaxLength = 128, PerDeviceTrainBatchSize = 4, MaxSteps = 2 };
    private static readonly DpoOptions Dpo = new() { MaxLength = 96, PerDeviceTrainBatchSize = 4, MaxSteps = 2 };
    private static readonly RewardOptions Reward = new() { MaxLength = 96, PerDeviceTrainBatchSize = 4, MaxSteps = 2 };

    private static readonly PpoOptions Ppo = new()
    {
        BatchSize = 8, MiniBatchSize = 4, PpoEpochs = 1,
        Generation = new() { MaxNewTokens = 32, MinNewTokens = 32, TopK = 50, EosTokenIds = [] },
    };

    private static readonly Dictionary<string, TrainingOptions> Runs = new()
    {
        ["sft"] = Sft,
        ["sft lora"] = Sft with { Peft = Lora },
        ["sft bf16"] = Sft with { Bf16 = true },
        ["sft lora bf16"] = Sft with { Bf16 = true, Peft = Lora },
        ["sft accumulating"] = Sft with { PerDeviceTrainBatchSize = 2, GradientAccumulationSteps = 2 },
        ["dpo"] = Dpo,
        ["dpo lora"] = Dpo with { Peft = Lora },
        ["dpo bf16"] = Dpo with { Bf16 = true },
        ["dpo precomputed"] = Dpo with { PrecomputeRefLogProbs = true },
        ["ppo"] = Ppo,
        ["ppo lora"] = Ppo with { Peft = Lora },
        ["reward"] = Reward,
    };

    public TestContext TestContext { get; set; } = null!;

    public static IEnumerable<object[]> Cases =>
        from model in new[] { "gpt2", "llama" } from run in Runs.Keys select new object[] { model, run };

    [TestMethod]
    [DynamicData(nameof(Cases))]
    public void Measured(string model, string run)
    {
        if (!NativeMemory.IsKnown)
            Assert.Inconclusive("The C library does not tell what memory is in use.");
        (long measured, TrainingPlan plan) = PlannedRuns.Of(Config(model), Runs[run]);
        System.IO.File.AppendAllText("/tmp/w/plan.txt", FormattableString.Invariant($"{model} {run}: measured {measured / 1e6:N1} planned {plan.PeakBytes / 1e6:N1} ratio {(double)plan.PeakBytes / measured:N2} at {plan.PeakMoment}\n    {string.Join("; ", plan.Rows.Select(row => $"{row.Component} {row.Bytes / 1e6:N1}"))}\n"));
        Close.Relative(measured, plan.PeakBytes, 0.2, $"{model} {run}\n{plan}");
    }

    private static ModelConfig Config(string model, double dropout = 0) => model switch
    {
        "gpt2" => ModelConfig.Gpt2(4096, 192, 6, 4, 256, dropout),
        _ => ModelConfig.Llama(4096, 192, 6, 4, 256, tieWordEmbeddings: false),
    };
}
