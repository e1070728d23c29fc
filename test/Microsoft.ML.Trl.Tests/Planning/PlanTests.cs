using Microsoft.ML.Trl.Planning;
using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;

namespace Microsoft.ML.Trl.Tests.Planning;

[TestClass]
public sealed class PlanTests
{
    private static readonly MLContext Ml = new(1);

    [TestMethod]
    public void Parameters_are_counted_as_a_model_has_them()
    {
        using LanguageModel model = Tiny.Model();
        TrainingPlan plan = Ml.Trl().Plan(new SftOptions { MaxLength = 16 }, Tiny.Source());
        Assert.AreEqual((model.Network.ParameterCount, 0L), (plan.TrainedParameters, plan.FrozenParameters));
        Assert.AreEqual(model.Network.ParameterCount * 4, plan.Rows.Single(row => row.Component == "weights").Bytes);
        Assert.AreEqual(model.Network.ParameterCount * 8, plan.Rows.Single(row => row.Component == "optimizer").Bytes);
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void Adapters_are_counted_as_a_model_has_them(bool saved)
    {
        LoraOptions peft = new() { R = 3, TargetModules = [LoraOptions.AllLinear] };
        if (saved)
            peft = peft with { Bias = LoraBias.LoraOnly, UseDora = true };
        using LanguageModel model = Tiny.Model();
        PeftExtensions.AddNamed(model.Network, peft, 1);
        long trained = model.Network.parameters().Where(weight => weight.requires_grad).Sum(weight => weight.NumberOfElements);
        TrainingPlan plan = Ml.Trl().Plan(new SftOptions { MaxLength = 16, Peft = peft }, Tiny.Source());
        Assert.AreEqual((trained, model.Network.ParameterCount), (plan.TrainedParameters, plan.FrozenParameters));
    }

    [TestMethod]
    public void Shared_layers_and_heads_are_counted_too()
    {
        using LanguageModel model = Tiny.Model();
        PpoOptions ppo = new() { BatchSize = 4, MiniBatchSize = 2, Generation = new() { MaxNewTokens = 8 } };
        TrainingPlan all = Ml.Trl().Plan(ppo, Tiny.Source()), some = Ml.Trl().Plan(ppo with { NumSharedLayers = 1 }, Tiny.Source());
        model.Network.FreezeFirst(1);
        long trained = model.Network.parameters().Where(weight => weight.requires_grad).Sum(weight => weight.NumberOfElements);
        Assert.AreEqual(model.Network.ParameterCount + 17, all.TrainedParameters);
        Assert.AreEqual(trained + 17, some.TrainedParameters);
        Assert.AreEqual(trained * 4, some.Rows.Single(row => row.Component == "reference").Bytes);
        using RewardModel reward = RewardModel.Create(Tiny.Config(), 1);
        Assert.AreEqual(reward.ParameterCount, Ml.Trl().Plan(new RewardOptions { MaxLength = 16 }, Tiny.Source()).TrainedParameters);
    }

    [TestMethod]
    public void A_model_far_beyond_the_memory_is_planned_in_no_time_with_what_would_help() => Leaks.None(() =>
    {
        ModelConfig large = ModelConfig.Llama(Tiny.Tokenizer.VocabularySize, 8192, 80, 64, 4096, 8, 28_672);
        TrainingPlan plan = Ml.Trl().Plan(new SftOptions(), ModelSource.New(large, Tiny.Tokenizer));
        Assert.IsGreaterThan(60_000_000_000, plan.TrainedParameters);
        Assert.IsFalse(plan.Fits);
        bool isCombined = plan.Advice[^1].Price == "all of these together";
        TrainingPlanAdvice[] single = [.. plan.Advice.SkipLast(isCombined ? 1 : 0)];
        Assert.StartsWith("Peft = ", single[0].Change);
        CollectionAssert.AreEqual(
            single.Select(advice => advice.SavedBytes).OrderDescending().ToArray(), single.Select(advice => advice.SavedBytes).ToArray());
        foreach (TrainingPlanAdvice advice in plan.Advice)
            Assert.AreEqual(plan.PeakBytes, advice.PeakBytes + advice.SavedBytes);
        string text = plan.ToString();
        StringAssert.Contains(text, "does NOT fit in the ");
        StringAssert.Contains(text, "To make it fit:");
        StringAssert.Contains(text, "rows of MaxLength (1024) tokens");
    });

    [TestMethod]
    public void Each_option_that_saves_memory_is_advised()
    {
        ModelSource source = ModelSource.New(ModelConfig.Llama(Tiny.Tokenizer.VocabularySize, 1024, 4, 8, 64), Tiny.Tokenizer);
        TrainingPlan Of(TrainingOptions options) =>
            options switch
            {
                SftOptions sft => Ml.Trl().Plan(sft, source),
                DpoOptions dpo => Ml.Trl().Plan(dpo, source),
                KtoOptions kto => Ml.Trl().Plan(kto, source),
                CpoOptions cpo => Ml.Trl().Plan(cpo, source),
                GrpoOptions grpo => Ml.Trl().Plan(grpo, source),
                OnlineDpoOptions online => Ml.Trl().Plan(online, source),
                _ => Ml.Trl().Plan((RaftOptions)options, source),
            };
        void Advises(TrainingOptions options, params string[] changes)
        {
            string[] found = [.. Of(options).Advice.Select(advice => advice.Change)];
            foreach (string change in changes)
                Assert.IsTrue(Array.Exists(found, text => text.StartsWith(change, StringComparison.Ordinal)), string.Join("; ", found));
        }
        SftOptions sft = new() { MaxLength = 16 };
        Advises(sft with { GradientCheckpointing = false, Peft = new(), PerDeviceTrainBatchSize = 32 }, "GradientCheckpointing = true");
        Advises(sft, "Optim = OptimizerKind.AdamW8Bit", "Optim = OptimizerKind.Adafactor", "Peft = ");
        Advises(sft with { PerDeviceTrainBatchSize = 1 }, "OptimizerInBackward = true, MaxGradNorm = 0");
        Advises(sft with { Bf16 = true }, "StochasticRounding = true");
        Advises(
            sft with { Peft = new(), PerDeviceTrainBatchSize = 32 }, "BaseQuantization = WeightQuantization.Nf4Nested",
            "ActivationOffloading = true");
        Advises(new DpoOptions { MaxLength = 16 }, "ReferenceModel = ReferenceKind.Int8", "PrecomputeRefLogProbs = true");
        Advises(new KtoOptions { MaxLength = 16 }, "ReferenceModel = ReferenceKind.Int8", "PrecomputeRefLogProbs = true");
        Advises(new OnlineDpoOptions { MaxLength = 32, Generation = Tiny.Greedy with { DoSample = true } }, "ReferenceModel = ");
        RunsAreShort(source);
    }

    /// <summary>Where activations and samples take most: changes of passes and samples.</summary>
    private static void RunsAreShort(ModelSource source)
    {
        static void Advises(TrainingPlan plan, params string[] changes)
        {
            string[] found = [.. plan.Advice.Select(advice => advice.Change)];
            foreach (string change in changes)
                CollectionAssert.Contains(found, change, string.Join("; ", found));
        }
        Advises(
            Ml.Trl().Plan(new KtoOptions { MaxLength = 64, PerDeviceTrainBatchSize = 64, Peft = new() }, source),
            "PerDeviceTrainBatchSize = 2, GradientAccumulationSteps = 32", "MaxLength = 32");
        Advises(
            Ml.Trl().Plan(new CpoOptions { MaxLength = 64, PerDeviceTrainBatchSize = 64, Peft = new() }, source),
            "PerDeviceTrainBatchSize = 1, GradientAccumulationSteps = 64", "MaxLength = 32");
        GrpoOptions grpo = new()
        {
            PerDeviceTrainBatchSize = 64, Peft = new(), Generation = new() { MaxNewTokens = 48 }, StepsPerGeneration = 2,
        };
        Advises(
            Ml.Trl().Plan(grpo, source),
            "PerDeviceTrainBatchSize = 1, GradientAccumulationSteps = 64, StepsPerGeneration = 128", "Generation with MaxNewTokens = 24");
        Advises(
            Ml.Trl().Plan(grpo with { PerDeviceTrainBatchSize = 4, StepsPerGeneration = null, GradientAccumulationSteps = 256 }, source),
            "GenerationBatchSize = 512");
        RaftOptions raft = new() { Peft = new(), InferenceBatchSizePerDevice = 512, OutputMinLength = 8, OutputMaxLength = 32 };
        Advises(Ml.Trl().Plan(raft, source), "InferenceBatchSizePerDevice = 256");
    }

    [TestMethod]
    public void A_prompt_that_rows_share_is_planned_once()
    {
        // by hand: 8 rows of 24 prompt tokens and 8 new ones, of 2 prompts
        GrpoOptions grpo = new() { NumGenerations = 4, Generation = new() { MaxNewTokens = 8 } };
        ModelConfig config = ModelConfig.Llama(64, 32, 2, 2, 64);
        TextLengths lengths = new(32, 32, 8, 24, "");
        PassShape shared = Passes.Training(grpo, lengths, config, isCpu: true);
        Assert.AreEqual(((2 * 24) + (8 * 8), (8 * 32) + (2 * 24), 64), (shared.Tokens, shared.Keys, shared.Labels));
        Assert.AreEqual(8 * 32, Passes.Training(grpo, lengths with { Prompt = 15 }, config, isCpu: true).Tokens); // not worth it
        PassShape pairs = Passes.Training(new CpoOptions { PerDeviceTrainBatchSize = 4 }, lengths, config, isCpu: true);
        Assert.AreEqual((4 * 24) + (8 * 8), pairs.Tokens);
        Assert.AreEqual(8 * 32, Passes.Training(new KtoOptions(), lengths, config, isCpu: true).Tokens);
        Assert.AreEqual(8 * 32, Passes.Training(
            grpo with { PerDeviceTrainBatchSize = 2, GradientAccumulationSteps = 4 }, lengths, config, isCpu: true).Tokens * 4);
    }

    [TestMethod]
    public void Changes_are_combined_until_they_fit_and_none_is_superfluous()
    {
        // peaks by hand: each change takes its own share
        static long Peak(TrainingOptions options) => 100 - (((SftOptions)options).PaddingFree ? 10 : 0)
            - (options.Optim == OptimizerKind.AdamW8Bit ? 30 : 0) - (options.Bf16 ? 25 : 0) - (options.Peft is null ? 0 : 60);
        static IReadOnlyList<MemoryChange>? Fitting(long free) =>
            new Combination(given => Advisor.Changes(given, isCpu: true), options => Peak(options), free).Cheapest(new SftOptions(), 100);
        string[] Of(long free) => [.. Fitting(free)!.Select(change => change.Option)];
        CollectionAssert.AreEqual(new[] { "PaddingFree", "Optim" }, Of(60));
        CollectionAssert.AreEqual(new[] { "Optim", "Bf16" }, Of(45));
        CollectionAssert.AreEqual(new[] { "PaddingFree", "Optim", "Bf16" }, Of(35));
        CollectionAssert.AreEqual(new[] { "Optim", "Peft" }, Of(10));
        Assert.IsNull(Fitting(-100));
    }

    [TestMethod]
    public void Data_tell_their_lengths()
    {
        IDataView data = Ml.Data.LoadFromEnumerable(Tiny.Pairs);
        (string Method, Func<IDataView?, TrainingPlan> Plan)[] methods =
        [
            ("SFT", rows => Ml.Trl().Plan(new SftOptions(), Tiny.Source(), rows)),
            ("Reward", rows => Ml.Trl().Plan(new RewardOptions(), Tiny.Source(), rows)),
            ("DPO", rows => Ml.Trl().Plan(new DpoOptions(), Tiny.Source(), rows)),
            ("KTO", rows => Ml.Trl().Plan(new KtoOptions(), Tiny.Source(), rows)),
            ("BCO", rows => Ml.Trl().Plan(new BcoOptions(), Tiny.Source(), rows)),
            ("CPO", rows => Ml.Trl().Plan(new CpoOptions(), Tiny.Source(), rows)),
            ("ORPO", rows => Ml.Trl().Plan(new OrpoOptions(), Tiny.Source(), rows)),
            ("PPO", rows => Ml.Trl().Plan(new PpoOptions { BatchSize = 4, MiniBatchSize = 2 }, Tiny.Source(), rows)),
            ("GRPO", rows => Ml.Trl().Plan(new GrpoOptions(), Tiny.Source(), rows)),
            ("RLOO", rows => Ml.Trl().Plan(new RlooOptions(), Tiny.Source(), rows)),
            ("Online DPO", rows => Ml.Trl().Plan(new OnlineDpoOptions(), Tiny.Source(), rows)),
            ("XPO", rows => Ml.Trl().Plan(new XpoOptions(), Tiny.Source(), rows)),
            ("Nash-MD", rows => Ml.Trl().Plan(new NashMdOptions(), Tiny.Source(), rows)),
            ("RAFT", rows => Ml.Trl().Plan(new RaftOptions(), Tiny.Source(), rows)),
        ];
        foreach ((string method, Func<IDataView?, TrainingPlan> plan) in methods)
        {
            (TrainingPlan longest, TrainingPlan read) = (plan(null), plan(data));
            Assert.AreEqual(method, read.Method);
            Assert.IsLessThanOrEqualTo(longest.PeakBytes, read.PeakBytes, method);
            StringAssert.Contains(read.Lengths, "rows of the data");
            Assert.IsGreaterThan(0, read.SecondsPerStep!.Value, method);
        }
        TrainingPlan classified = Ml.Trl().Plan(
            new TextClassificationOptions { TextColumnName = "Chosen", LabelColumnName = "Margin" }, Tiny.Source(), data);
        StringAssert.Contains(classified.Lengths, "4 rows of the data");
    }

    [TestMethod]
    public void What_is_in_memory_already_is_not_counted_again()
    {
        using LanguageModel model = Tiny.Model();
        DpoOptions dpo = new() { MaxLength = 16 };
        long own = Ml.Trl().Plan(dpo, Tiny.Source()).PeakBytes, shared = Ml.Trl().Plan(dpo, ModelSource.FromModel(model)).PeakBytes;
        Assert.AreEqual(model.Network.ParameterCount * 4, own - shared);
        DpoOptions adapted = dpo with { Peft = new() };
        own = Ml.Trl().Plan(adapted, Tiny.Source()).PeakBytes;
        Assert.AreEqual(model.Network.ParameterCount * 4, own - Ml.Trl().Plan(adapted, ModelSource.FromModel(model)).PeakBytes);
    }

    [TestMethod]
    public void A_teacher_is_counted_unless_it_is_in_memory()
    {
        using LanguageModel held = Tiny.Model();
        IDataView data = Ml.Data.LoadFromEnumerable(Tiny.Pairs);
        (DistillOptions distill, ModelSource student) = (new() { MaxLength = 16 }, Tiny.Source());
        TrainingPlan own = Ml.Trl().Plan(distill, student, Tiny.Source(2));
        long weights = held.Network.ParameterCount * 4;
        Assert.AreEqual(weights, own.Rows.Single(row => row.Component == "teacher").Bytes);
        Assert.AreEqual(weights, own.PeakBytes - Ml.Trl().Plan(distill, student, ModelSource.FromModel(held)).PeakBytes);
        Assert.IsTrue(own.Advice.Any(advice => advice.Change == "TeacherModel = ReferenceKind.Int8"), own.ToString());
        GkdOptions gkd = new() { MaxLength = 16, MaxNewTokens = 8 };
        TrainingPlan[] read =
        [
            Ml.Trl().Plan(distill, student, Tiny.Source(2), data), Ml.Trl().Plan(gkd, student, Tiny.Source(2), data),
            Ml.Trl().Plan(gkd with { SeqKd = true, Lmbda = 0 }, student, Tiny.Source(2), data),
            Ml.Trl().Plan(new MiniLlmOptions { Generation = new() { MaxNewTokens = 8 } }, student, Tiny.Source(2), data),
        ];
        foreach (TrainingPlan plan in read)
            StringAssert.Contains(plan.Lengths, "rows of the data");
        CollectionAssert.AreEqual(new[] { "Distill", "GKD", "GKD", "MiniLLM" }, read.Select(plan => plan.Method).ToArray());
    }

    [TestMethod]
    [DataRow("t5")]
    [DataRow("gemma")]
    [DataRow("bloom")]
    public void Folders_are_planned_without_their_weights(string name)
    {
        using TemporaryFolder folder = new();
        string[] files = Directory.GetFiles(Fixtures.Path("models", name));
        foreach (string file in files.Where(file => !file.EndsWith(".safetensors", StringComparison.Ordinal)))
            File.Copy(file, Path.Combine(folder.Path, Path.GetFileName(file)));
        Assert.IsGreaterThan(0, Ml.Trl().Plan(new SftOptions { MaxLength = 32 }, ModelSource.Folder(folder.Path)).PeakBytes);
    }

    [TestMethod]
    public void An_adapter_is_planned_with_its_base()
    {
        SftOptions options = new() { MaxLength = 32 };
        TrainingPlan merged = Ml.Trl().Plan(options, ModelSource.Folder(Fixtures.Path("models", "lora_gpt2")));
        TrainingPlan plain = Ml.Trl().Plan(options, ModelSource.Folder(Fixtures.Path("models", "gpt2")));
        Assert.AreEqual((plain.PeakBytes, plain.TrainedParameters), (merged.PeakBytes, merged.TrainedParameters));
    }

    [TestMethod]
    public void Averages_take_three_numbers_per_weight_or_one()
    {
        using LanguageModel model = Tiny.Model();
        SftOptions options = new() { MaxLength = 16, WeightAveraging = new() };
        TrainingPlan plan = Ml.Trl().Plan(options, Tiny.Source());
        Assert.AreEqual(model.Network.ParameterCount * 12, plan.Rows.Single(row => row.Component == "average of the weights").Bytes);
        Assert.AreEqual(
            model.Network.ParameterCount * 8,
            plan.Advice.Single(advice => advice.Change.StartsWith("WeightAveraging", StringComparison.Ordinal)).SavedBytes);
    }

    [TestMethod]
    public void Few_bits_and_recomputed_blocks_take_what_they_take()
    {
        using ModelShape shape = ModelShape.Of(ModelConfig.Gpt2(100, 64, 2, 2, 32, dropout: 0), new SftOptions());
        long matrices = 2 * ((64 * 192) + (64 * 64) + (2 * 64 * 256)), vocabulary = 100 * 64;
        Assert.AreEqual(vocabulary, shape.Embedding);
        long rest = shape.Weights - matrices - vocabulary, rows = 2 * (192 + 64 + 256 + 64);
        Assert.AreEqual(shape.Weights * 4, MemoryHabits.WeightBytes(shape, WeightQuantization.None, 4));
        long scaled = vocabulary + (100 * 4) + (rest * 4);
        Assert.AreEqual(matrices + (rows * 4) + scaled, MemoryHabits.WeightBytes(shape, WeightQuantization.Int8, 4));
        Assert.AreEqual((matrices * 5 / 8) + scaled, MemoryHabits.WeightBytes(shape, WeightQuantization.Int4, 4));
        long normal = matrices / 2, wide = (vocabulary + rest) * 2;
        Assert.AreEqual(normal + (matrices / 16) + wide, MemoryHabits.WeightBytes(shape, WeightQuantization.Nf4, 2));
        long nested = (matrices / 64) + (matrices / 4096);
        Assert.AreEqual(normal + nested + wide, MemoryHabits.WeightBytes(shape, WeightQuantization.Nf4Nested, 2));
        Assert.AreEqual(60, MemoryHabits.Kept([10, 20, 30], input: 2, recomputes: false));
        Assert.AreEqual(34, MemoryHabits.Kept([10, 20, 30], input: 2, recomputes: true));
    }

    [TestMethod]
    public void What_cannot_be_planned_is_said()
    {
        TrlCatalog trl = Ml.Trl();
        Assert.ThrowsExactly<ArgumentNullException>(() => trl.Plan((SftOptions)null!, Tiny.Source()));
        Assert.ThrowsExactly<ArgumentNullException>(() => trl.Plan(new SftOptions(), null!));
        Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => trl.Plan(new DpoOptions { Beta = 0 }, Tiny.Source()));
        Assert.ThrowsExactly<DirectoryNotFoundException>(() => trl.Plan(new SftOptions(), ModelSource.Folder("/no/such/folder")));
        Assert.ThrowsExactly<NotSupportedException>(() => trl.Plan(new RewardOptions(), TinyT5.Source()));
        Assert.ThrowsExactly<InvalidOperationException>(() => trl.Plan(new SftOptions { GpuDeviceId = 99 }, Tiny.Source()));
        Assert.Throws<ArgumentException>(
            () => trl.Plan(new SftOptions(), Tiny.Source(), Ml.Data.LoadFromEnumerable(new[] { new { Other = "x" } })));
    }
}
