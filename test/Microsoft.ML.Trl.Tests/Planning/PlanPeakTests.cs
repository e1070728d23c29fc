using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.Algorithms.Raft;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

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

    private static readonly GenerationOptions Drawn = new() { MaxNewTokens = 32, MinNewTokens = 32, EosTokenIds = [] };
    private static readonly KtoOptions Kto = new() { MaxLength = 96, PerDeviceTrainBatchSize = 4, MaxSteps = 2 };
    private static readonly BcoOptions Bco = new() { MaxLength = 96, PerDeviceTrainBatchSize = 4, MaxSteps = 2 };
    private static readonly CpoOptions Cpo = new() { MaxLength = 96, PerDeviceTrainBatchSize = 4, MaxSteps = 2 };
    private static readonly OrpoOptions Orpo = new() { MaxLength = 96, PerDeviceTrainBatchSize = 4, MaxSteps = 2 };

    private static readonly GrpoOptions Grpo = new()
    {
        NumGenerations = 4, PerDeviceTrainBatchSize = 8, MaxSteps = 2, Generation = Drawn,
    };

    private static readonly RlooOptions Rloo = new()
    {
        NumGenerations = 4, PerDeviceTrainBatchSize = 8, MaxSteps = 2, Generation = Drawn,
    };

    private static readonly OnlineDpoOptions Online = new()
    {
        MaxLength = 64, PerDeviceTrainBatchSize = 4, MaxSteps = 2, Generation = Drawn,
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
        ["prm"] = new PrmOptions { MaxLength = 96, PerDeviceTrainBatchSize = 8, MaxSteps = 2 },
        ["distill"] = new DistillOptions { MaxLength = 96, PerDeviceTrainBatchSize = 4, MaxSteps = 2 },
        ["distill softly"] = new DistillOptions { MaxLength = 96, PerDeviceTrainBatchSize = 4, MaxSteps = 2, Alpha = 0 },
        ["distill lora"] = new DistillOptions { MaxLength = 96, PerDeviceTrainBatchSize = 4, MaxSteps = 2, Peft = Lora },
        ["gkd"] = new GkdOptions { MaxLength = 64, MaxNewTokens = 32, PerDeviceTrainBatchSize = 4, MaxSteps = 2, Lmbda = 1 },
        ["minillm lora"] = new MiniLlmOptions
        {
            Generation = Drawn, NumGenerations = 2, PerDeviceTrainBatchSize = 4, MaxSteps = 2, Peft = Lora,
        },
        ["kto"] = Kto,
        ["kto lora"] = Kto with { Peft = Lora },
        ["bco"] = Bco,
        ["cpo"] = Cpo,
        ["cpo lora"] = Cpo with { Peft = Lora },
        ["orpo"] = Orpo,
        ["grpo"] = Grpo,
        ["grpo lora"] = Grpo with { Peft = Lora },
        ["grpo bf16"] = Grpo with { Bf16 = true },
        ["grpo reference"] = Grpo with { Beta = 0.04 },
        ["rloo"] = Rloo,
        ["rloo lora"] = Rloo with { Peft = Lora },
        ["online dpo"] = Online,
        ["online dpo lora"] = Online with { Peft = Lora },
        ["xpo"] = new XpoOptions { MaxLength = 64, PerDeviceTrainBatchSize = 4, MaxSteps = 2, Generation = Drawn },
        ["nash-md"] = new NashMdOptions { MaxLength = 64, PerDeviceTrainBatchSize = 4, MaxSteps = 2, Generation = Drawn },
    };

    private static readonly string Folder = Path.GetTempPath();
    private static readonly SftOptions Whole = Sft with { GradientCheckpointing = false }, Adapted = Sft with { Peft = Lora };

    private static readonly Dictionary<string, TrainingOptions> Saving = new()
    {
        ["sft whole"] = Whole,
        ["sft lora whole"] = Whole with { Peft = Lora },
        ["sft bf16 whole"] = Whole with { Bf16 = true },
        ["dpo whole"] = Dpo with { GradientCheckpointing = false },
        ["dpo lora whole"] = Dpo with { GradientCheckpointing = false, Peft = Lora },
        ["reward whole"] = Reward with { GradientCheckpointing = false },
        ["kto whole"] = Kto with { GradientCheckpointing = false, LossType = KtoLossType.ApoZeroUnpaired },
        ["bco precomputed"] = Bco with { PrecomputeRefLogProbs = true },
        ["cpo whole"] = Cpo with { GradientCheckpointing = false },
        ["cpo padding-free"] = Cpo with { GradientCheckpointing = false, PaddingFree = true },
        ["orpo lora whole"] = Orpo with { GradientCheckpointing = false, Peft = Lora },
        ["grpo whole"] = Grpo with { GradientCheckpointing = false },
        ["grpo lora whole"] = Grpo with { GradientCheckpointing = false, Peft = Lora },
        ["grpo shuffled"] = Grpo with { GradientCheckpointing = false, PerDeviceTrainBatchSize = 4, GradientAccumulationSteps = 4 },
        ["grpo int8 reference"] = Grpo with { Beta = 0.04, ReferenceModel = ReferenceKind.Int8 },
        ["grpo sampling"] = Grpo with { Peft = Lora, PerDeviceTrainBatchSize = 2, GradientAccumulationSteps = 24, MaxSteps = 1 },
        ["grpo sampling bf16"] = Grpo with
        {
            Peft = Lora, Bf16 = true, PerDeviceTrainBatchSize = 2, GradientAccumulationSteps = 24, MaxSteps = 1,
        },
        ["grpo sampling in parts"] = Grpo with
        {
            Peft = Lora, PerDeviceTrainBatchSize = 2, GradientAccumulationSteps = 24, GenerationBatchSize = 24, MaxSteps = 1,
        },
        ["dpo lora synced"] = Dpo with { Peft = Lora, SyncRefModel = true },
        ["ppo checkpointed"] = Ppo with { GradientCheckpointing = true },
        ["adamw 8 bit"] = Sft with { Optim = OptimizerKind.AdamW8Bit },
        ["adam 8 bit whole"] = Whole with { Optim = OptimizerKind.Adam8Bit },
        ["adamw 8 bit bf16"] = Sft with { Optim = OptimizerKind.AdamW8Bit, Bf16 = true },
        ["lion"] = Sft with { Optim = OptimizerKind.Lion },
        ["lion 8 bit"] = Sft with { Optim = OptimizerKind.Lion8Bit },
        ["adafactor"] = Sft with { Optim = OptimizerKind.Adafactor },
        ["adafactor bf16"] = Sft with { Optim = OptimizerKind.Adafactor, Bf16 = true },
        ["sgd"] = Sft with { Optim = OptimizerKind.Sgd },
        ["own adamw"] = Sft with { OptimizerFactory = weights => optim.AdamW(weights.Select(weight => weight.Value)) },
        ["state in files"] = Sft with { OptimizerStateFolder = Folder },
        ["state in files bf16"] = Sft with { OptimizerStateFolder = Folder, Bf16 = true },
        ["fp16"] = Sft with { Fp16 = true, MaxLength = 32, PerDeviceTrainBatchSize = 1 }, // slow on the CPU
        ["rounding"] = Sft with { Bf16 = true, StochasticRounding = true },
        ["rounding whole"] = Whole with { Bf16 = true, StochasticRounding = true },
        ["int8"] = Adapted with { BaseQuantization = WeightQuantization.Int8 },
        ["int4"] = Adapted with { BaseQuantization = WeightQuantization.Int4 },
        ["nf4"] = Adapted with { BaseQuantization = WeightQuantization.Nf4 },
        ["nf4 whole"] = Adapted with { BaseQuantization = WeightQuantization.Nf4, GradientCheckpointing = false },
        ["nf4 nested bf16"] = Adapted with { BaseQuantization = WeightQuantization.Nf4Nested, Bf16 = true },
        ["dpo nf4"] = Dpo with { Peft = Lora, BaseQuantization = WeightQuantization.Nf4 },
        ["dpo int8 reference"] = Dpo with { ReferenceModel = ReferenceKind.Int8 },
        ["ppo int8 reference"] = Ppo with { ReferenceModel = ReferenceKind.Int8 },
        ["ppo shared"] = Ppo with { NumSharedLayers = 2 },
        ["rounding adam 8 bit"] = Sft with { Bf16 = true, StochasticRounding = true, Optim = OptimizerKind.AdamW8Bit },
        ["long"] = Adapted with { PerDeviceTrainBatchSize = 8 },
        ["offloading"] = Adapted with { PerDeviceTrainBatchSize = 8, ActivationOffloading = true, OffloadFolder = Folder },
        ["in backward"] = Sft with { OptimizerInBackward = true, MaxGradNorm = 0 },
        ["in backward adafactor"] = Sft with { OptimizerInBackward = true, MaxGradNorm = 0, Optim = OptimizerKind.Adafactor },
        ["in backward whole"] = Whole with { OptimizerInBackward = true, MaxGradNorm = 0 },
        ["frozen layers"] = Sft with { FreezeFirstLayers = 2 },
        ["frozen layers whole"] = Whole with { FreezeFirstLayers = 2 },
        ["frozen below"] = Sft with { FreezeFirstLayers = 2, FreezeEmbeddings = true },
        ["frozen below whole"] = Whole with { FreezeFirstLayers = 2, FreezeEmbeddings = true },
        ["lisa"] = Sft with { LisaActivatedLayers = 1 },
        ["lisa whole"] = Whole with { LisaActivatedLayers = 1 },
    };

    private const string Sizes = """
        "vocab_size": 2048, "hidden_size": 192, "num_hidden_layers": 4, "num_attention_heads": 6, "num_key_value_heads": 2,
        "intermediate_size": 512, "max_position_embeddings": 256,
        """;

    private static readonly Dictionary<string, string> Families = new()
    {
        ["qwen2"] = """ "model_type": "qwen2" """,
        ["qwen3"] = """ "model_type": "qwen3", "head_dim": 32 """,
        ["gemma2"] = """ "model_type": "gemma2", "head_dim": 32 """,
        ["gemma3_text"] = """ "model_type": "gemma3_text", "head_dim": 32 """,
        ["phi3"] = """ "model_type": "phi3", "pad_token_id": null """,
        ["gpt_neox"] = """ "model_type": "gpt_neox" """,
        ["phi"] = """ "model_type": "phi" """,
        ["mixtral"] = """ "model_type": "mixtral", "num_local_experts": 4, "num_experts_per_tok": 2 """,
        ["bloom"] = """ "model_type": "bloom", "n_layer": 4, "n_head": 6 """,
        ["opt"] = """ "model_type": "opt", "ffn_dim": 512 """,
        ["falcon"] = """ "model_type": "falcon", "multi_query": true """,
    };

    public static IEnumerable<object[]> RunsOfGpt2 => Runs.Keys.Select(run => new object[] { run });

    public static IEnumerable<object[]> SavingRuns => Saving.Keys.Select(run => new object[] { run });

    public static IEnumerable<object[]> OtherFamilies => Families.Keys.Select(model => new object[] { model });

    [TestMethod]
    [DynamicData(nameof(RunsOfGpt2))]
    public void Every_method_on_gpt2(string run) => IsWithinAFifth("gpt2", Runs[run]);

    [TestMethod]
    [DataRow("sft")]
    [DataRow("dpo lora")]
    [DataRow("ppo")]
    public void Methods_on_llama(string run) => IsWithinAFifth("llama", Runs[run]);

    [TestMethod]
    [DynamicData(nameof(SavingRuns))]
    public void Options_that_save_memory(string run) => IsWithinAFifth("gpt2", Saving[run]);

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Raft_on_a_model_that_writes_words(bool adapts) => IsWithinAFifth("gpt2 of words", RaftRuns.Quick with
    {
        RaftBatchSize = 8, OutputMinLength = 63, OutputMaxLength = 64, NumRaftIteration = 1, Optim = OptimizerKind.AdamW,
        Generation = new() { EosTokenIds = [] }, InferenceBatchSizePerDevice = adapts ? 16 : 4, Peft = adapts ? Lora : null,
    });

    [TestMethod]
    public void Dropout_keeps_what_was_drawn() => IsWithinAFifth("gpt2 dropping", Sft);

    [TestMethod]
    [DynamicData(nameof(OtherFamilies))]
    public void Fine_tuning_of_the_other_families(string model)
    {
        LongTests.RequireOn("a minute for all");
        IsWithinAFifth(model, Sft);
        IsWithinAFifth(model, Sft with { Peft = Lora with { TargetModules = [LoraOptions.AllLinear] } });
    }

    /// <summary>The size of GPT-2 small, four rows of 128 tokens; full and LoRA, float32 and bfloat16.</summary>
    [TestMethod]
    [DynamicData(nameof(RunsOfGpt2))]
    public void Every_method_on_a_model_of_a_real_size(string run)
    {
        LongTests.RequireOn("a minute for all");
        IsWithinAFifth("gpt2 small", Runs[run]);
    }

    private static void IsWithinAFifth(string model, TrainingOptions options)
    {
        if (!NativeMemory.IsKnown)
            Assert.Inconclusive("The C library does not tell what memory is in use.");
        (long measured, TrainingPlan plan) = PlannedRuns.Of(Config(model), options);
        double off = Close.Relative(measured, plan.PeakBytes, 0.2, $"{model}\n{plan}");
        Console.WriteLine(
            $"{model}: measured {measured >> 20} MiB, planned {plan.PeakBytes >> 20} MiB, off by {off:P0}; "
            + $"resident set grew by {NativeMemory.PeakResident >> 20} MiB");
    }

    private static ModelConfig Config(string model) => model switch
    {
        "gpt2" => ModelConfig.Gpt2(2048, 192, 4, 4, 256, dropout: 0),
        "gpt2 of words" => ModelConfig.Gpt2(Tiny.Tokenizer.VocabularySize, 192, 4, 4, 256, dropout: 0),
        "gpt2 dropping" => ModelConfig.Gpt2(2048, 192, 4, 4, 256, dropout: 0.1),
        "gpt2 small" => ModelConfig.Gpt2(50_257, 768, 12, 12, 256, dropout: 0),
        "llama" => ModelConfig.Llama(2048, 192, 4, 4, 256),
        _ => ModelConfig.Parse($"{{{Sizes}{Families[model]}}}", model),
    };
}
