using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.Adapters;
using Microsoft.ML.Trl.Tests.Pipeline;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Estimators;

/// <summary>Stages that train adapters beside weights in few bits: QLoRA.</summary>
[TestClass]
public sealed class BaseQuantizationTests
{
    private static readonly LoraOptions Lora = new() { R = 4, LoraAlpha = 16, TargetModules = [LoraOptions.AllLinear] };

    private static readonly SftOptions Sft = new() { MaxSteps = 3, LearningRate = 3e-2, Peft = Lora, Generation = Tiny.Greedy };

    private readonly MLContext _ml = new(1);

    private IDataView Rows => _ml.Data.LoadFromEnumerable(Tiny.Pairs);

    private IDataView Texts => _ml.Data.LoadFromEnumerable(Tiny.Pairs.Select(row => new { Text = row.Chosen, Label = "good" })
        .Concat(Tiny.Pairs.Select(row => new { Text = row.Rejected, Label = "bad" })));

    private IDataView Steps => _ml.Data.LoadFromEnumerable(new[]
    {
        new { Prompt = "the film", Completion = "was good\nwas bad\n", Labels = new[] { true, false } },
        new { Prompt = "the plot", Completion = "was bad", Labels = new[] { false } },
    });

    public static IEnumerable<object[]> Kinds =>
        Enum.GetValues<WeightQuantization>().Except([WeightQuantization.None]).Select(kind => new object[] { kind });

    /// <summary>
    /// A model that knows the words learns to write one of four of them, each as often as the others: no loss can be below ln 4 for one of
    /// three tokens. It falls by more than half, and to within 2 % of what the same adapter reaches beside float32 weights.
    /// </summary>
    [TestMethod]
    [DataRow(WeightQuantization.Int8)]
    [DataRow(WeightQuantization.Nf4)]
    [DataRow(WeightQuantization.Nf4Nested)]
    public void Few_bits_learn_as_float_weights_do(WeightQuantization quantization)
    {
        using TemporaryFolder folder = new();
        ModelSource fresh = ModelSource.New(ModelConfig.Gpt2(Tiny.Tokenizer.VocabularySize, 64, 2, 2, 32, dropout: 0), Tiny.Tokenizer);
        SftOptions options = new()
        {
            MaxSteps = 40, LearningRate = 3e-3, LoggingSteps = 1, LrSchedulerType = LrSchedulerType.Constant,
        };
        using (TextGenerationTransformer knowing = _ml.Trl().Sft(fresh, options).Fit(Rows))
            knowing.Model.Save(folder.Path);
        ModelSource source = ModelSource.Folder(folder.Path);
        IDataView words = _ml.Data.LoadFromEnumerable(
            new[] { " was thin", " was cold", " was warm", " was bad" }.Select(text => new { Prompt = "the plot", Completion = text }));
        options = options with { MaxSteps = 60, LearningRate = 1e-2, Peft = Lora, LrSchedulerType = LrSchedulerType.Linear };
        using TextGenerationTransformer full = _ml.Trl().Sft(source, options).Fit(words);
        using TextGenerationTransformer few = _ml.Trl().Sft(source, options with { BaseQuantization = quantization }).Fit(words);
        double start = full.Reports[0].Metrics["loss"], reached = full.Reports[^1].Metrics["loss"];
        Close.Below(0.5 * start, reached, "nothing was learnt");
        Close.Absolute(reached, few.Reports[^1].Metrics["loss"], 0.02 * reached, $"{quantization} against {reached} from {start}");
        Assert.AreEqual(quantization, few.Model.Network.Quantization);
    }

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Every_stage_leaves_the_base_as_it_was_bit_by_bit(WeightQuantization kind)
    {
        using var scope = NewDisposeScope();
        using TemporaryFolder folder = Start();
        ModelSource source = ModelSource.Folder(folder.Path);
        using LanguageModel start = LanguageModel.Load(folder.Path, quantization: kind);
        Dictionary<string, Tensor> held = start.Network.HeldWeights().ToDictionary(weight => weight.Name, weight => weight.Value);
        DpoOptions dpo = new() { MaxSteps = 3, LearningRate = 1e-2, Peft = Lora, BaseQuantization = kind };
        PpoOptions ppo = new()
        {
            Steps = 4, BatchSize = 4, MiniBatchSize = 2, LearningRate = 1e-2, Generation = Tiny.Greedy, Peft = Lora,
            BaseQuantization = kind,
        };
        RewardOptions reward = new() { MaxSteps = 3, LearningRate = 1e-2, Peft = Lora, BaseQuantization = kind };
        TextClassificationOptions labels = new() { MaxSteps = 3, LearningRate = 1e-2, Peft = Lora, BaseQuantization = kind };
        Func<DecoderModel>[] fits =
        [
            () => _ml.Trl().Sft(source, Sft with { BaseQuantization = kind }).Fit(Rows).Model.Network,
            () => _ml.Trl().Dpo(source, dpo).Fit(Rows).Model.Network,
            () => _ml.Trl().Dpo(source, dpo with { PrecomputeRefLogProbs = true }).Fit(Rows).Model.Network,
            () => _ml.Trl().RewardModel(source, reward).Fit(Rows).Model.Network,
            () => _ml.Trl().Ppo(source, RewardFunction.Of((_, response) => response.Length), ppo).Fit(Rows).Model.Network,
            () => _ml.Trl().TextClassification(source, labels).Fit(Texts).Model.Network,
            () => _ml.Trl().Orpo(source, Quick(new OrpoOptions(), kind)).Fit(Rows).Model.Network,
            () => _ml.Trl().Cpo(source, Quick(new CpoOptions(), kind)).Fit(Rows).Model.Network,
            () => _ml.Trl().Kto(source, Quick(new KtoOptions(), kind)).Fit(Rows).Model.Network,
            () => _ml.Trl().Bco(source, Quick(new BcoOptions(), kind)).Fit(Rows).Model.Network,
            () => _ml.Trl().Prm(source, Quick(new PrmOptions(), kind)).Fit(Steps).Model.Network,
        ];
        foreach (Func<DecoderModel> fit in fits)
        {
            using DecoderModel first = fit(), second = fit();
            Assert.AreEqual(kind, first.Quantization);
            var own = first.HeldWeights().Where(weight => !weight.Name.StartsWith("score.", StringComparison.Ordinal)).ToArray();
            Held.Equal(own.Select(weight => (weight.Name, held[weight.Name])), own);
            Assert.IsNotEmpty(own.Where(weight => weight.Value.element_size() == 1));
            Assert.IsGreaterThan(0, first.AdapterWeights().Where(IsUp).Max(weight => weight.Value.abs().max().item<float>()));
            foreach (((string name, Tensor value), (_, Tensor again)) in first.AdapterWeights().Zip(second.AdapterWeights()))
                Close.Absolute(value, again, 0, name);
        }
    }

    /// <summary>The loss falls by four fifths, at least, of what it falls by beside float32 weights.</summary>
    [TestMethod]
    [DataRow("Orpo")]
    [DataRow("Cpo")]
    [DataRow("Kto")]
    [DataRow("Bco")]
    [DataRow("Prm")]
    public void Preferences_and_steps_are_learnt_beside_nf4(string method)
    {
        (double full, double few) = (Fall(WeightQuantization.None), Fall(WeightQuantization.Nf4));
        Close.Above(0.02, full, $"{method} learns nothing");
        Close.Above(0.8 * full, few, method);

        double Fall(WeightQuantization kind)
        {
            IReadOnlyList<StepReport> reports = method switch
            {
                "Orpo" => _ml.Trl().Orpo(Tiny.Source(), Quick(new OrpoOptions(), kind, 40)).Fit(Rows).Reports,
                "Cpo" => _ml.Trl().Cpo(Tiny.Source(), Quick(new CpoOptions(), kind, 40)).Fit(Rows).Reports,
                "Kto" => _ml.Trl().Kto(Tiny.Source(), Quick(new KtoOptions(), kind, 40)).Fit(Rows).Reports,
                "Bco" => _ml.Trl().Bco(Tiny.Source(), Quick(new BcoOptions(), kind, 40)).Fit(Rows).Reports,
                _ => _ml.Trl().Prm(Tiny.Source(), Quick(new PrmOptions(), kind, 40)).Fit(Steps).Reports,
            };
            return reports[0]["loss"] - reports[^1]["loss"];
        }
    }

    [TestMethod]
    public void A_session_learns_beside_nf4_as_sft_does()
    {
        const WeightQuantization Nf4 = WeightQuantization.Nf4;
        using LanguageModel plain = Tiny.Model();
        using LanguageModel model = plain.Copy(quantization: Nf4), other = plain.Copy(quantization: Nf4);
        var options = new IterativeSftOptions { MaxSteps = 20, LearningRate = 1e-2, Peft = Lora, BaseQuantization = Nf4 };
        TokenExample[] texts = [new([3, 4, 5, 7, 8, 9, 10], 3)];
        using var session = new IterativeSftSession(model, options);
        double[] losses = [.. Enumerable.Range(0, 20).Select(_ => session.Step(texts)["loss"])];
        Close.Below(losses[0] - 0.2, losses[^1], "loss");
        other.Network.AddAdapter(Lora, seed: 42);
        var sft = new SftOptions { MaxSteps = 20, LearningRate = 1e-2, LoggingSteps = 1, MaxLength = 32, GradientCheckpointing = false };
        List<StepReport> expected = Loops.Sft(other.Network, sft, texts);
        Close.Relative(expected[^1]["loss"], losses[^1], 1e-4, "SFT");
    }

    [TestMethod]
    public void A_process_reward_model_in_few_bits_is_saved_and_loaded()
    {
        using TemporaryFolder folder = new();
        string path = Path.Combine(folder.Path, "prm.zip");
        using StepRewardTransformer fitted =
            _ml.Trl().Prm(Tiny.Source(), Quick(new PrmOptions(), WeightQuantization.Nf4Nested)).Fit(Steps);
        _ml.Model.Save(fitted, Steps.Schema, path);
        using var loaded = (StepRewardTransformer)_ml.Model.Load(path, out _);
        Assert.AreEqual(WeightQuantization.Nf4Nested, loaded.Model.Network.Quantization);
        foreach ((float[] expected, float[] found) in Scores(fitted).Zip(Scores(loaded)))
            CollectionAssert.AreEqual(expected, found);

        IEnumerable<float[]> Scores(StepRewardTransformer stage) => stage.Transform(Steps).GetColumn<float[]>("Score");
    }

    /// <summary>Stage after stage reads the same few bits; a stage that wants other bits, or none, makes its own.</summary>
    [TestMethod]
    public void The_few_bits_are_in_memory_once_however_many_stages_there_are()
    {
        using var scope = NewDisposeScope();
        using LanguageModel plain = Tiny.Model();
        using LanguageModel start = plain.Copy(quantization: WeightQuantization.Nf4Nested);
        SftOptions nested = Sft with { BaseQuantization = WeightQuantization.Nf4Nested };
        RewardOptions reward = new() { MaxSteps = 2, Peft = Lora, BaseQuantization = WeightQuantization.Nf4Nested };
        using var chain = _ml.Trl().Sft(ModelSource.FromModel(start), nested).Append(_ml.Trl().RewardModel(reward)).Fit(Rows);
        using TextGenerationTransformer other = _ml.Trl().Sft(
            ModelSource.FromModel(start), Sft with { BaseQuantization = WeightQuantization.Int8 }).Fit(Rows);
        DecoderModel[] sharing =
        [
            chain.OfType<TextGenerationTransformer>().Single().Model.Network, chain.OfType<RewardTransformer>().Single().Model.Network,
        ];
        using IDisposable frozen = no_grad();
        Tensor Codes(DecoderModel model) => model.HeldWeights().First(weight => weight.Value.dtype == uint8).Value;
        Codes(start.Network).fill_(0x21);
        foreach (DecoderModel stage in sharing)
            Assert.IsTrue(Codes(stage).eq(0x21).all().item<bool>(), "a copy of the base");
        Assert.AreEqual(WeightQuantization.Int8, other.Model.Network.Quantization);
        CollectionAssert.AreEqual(new[] { "default", "default_2" }, sharing[1].AdapterNames().ToArray());
    }

    /// <summary>The policy without its adapter is the reference, in the same few bits.</summary>
    [TestMethod]
    public void The_reference_of_dpo_takes_no_memory()
    {
        using var scope = NewDisposeScope();
        using LanguageModel plain = Tiny.Model();
        using LanguageModel policy = plain.Copy(quantization: WeightQuantization.Nf4);
        policy.Network.AddAdapter(Lora);
        using CausalLanguageModel reference = policy.Network.CreateReferenceModel();
        Assert.AreEqual(WeightQuantization.Nf4, reference.Quantization);
        using IDisposable frozen = no_grad();
        foreach (((string name, Tensor value), (_, Tensor theirs)) in policy.Network.HeldWeights().Zip(reference.HeldWeights()))
        {
            value.zero_();
            Assert.AreEqual(0, theirs.to(float32).abs().max().item<float>(), name);
        }
    }

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void A_saved_pipeline_answers_and_scores_bit_by_bit_as_before(WeightQuantization kind)
    {
        using var scope = NewDisposeScope();
        using TemporaryFolder folder = Start();
        foreach (bool savesBase in new[] { true, false })
        {
            LoraOptions peft = Lora with { SaveBase = savesBase };
            using var chain = _ml.Trl().Sft(ModelSource.Folder(folder.Path), Sft with { Peft = peft, BaseQuantization = kind })
                .Append(_ml.Trl().RewardModel(new RewardOptions { MaxSteps = 2, Peft = peft, BaseQuantization = kind })).Fit(Rows);
            using var zip = new MemoryStream();
            _ml.Model.Save(chain, Rows.Schema, zip);
            using var loaded = (TransformerChain<ITransformer>)SavedChain.Load(zip.ToArray());
            TextGenerationTransformer before = chain.OfType<TextGenerationTransformer>().Single();
            TextGenerationTransformer after = loaded.OfType<TextGenerationTransformer>().Single();
            Held.Equal(before.Model.Network.HeldWeights(), after.Model.Network.HeldWeights());
            CollectionAssert.AreEqual(
                before.Model.Complete(["the film", "a"]).ToArray(), after.Model.Complete(["the film", "a"]).ToArray());
            Tensor ids = tensor(new long[,] { { 3, 4, 5 } });
            Close.Absolute(Logits(before, ids), Logits(after, ids), 0, "logits");
            Close.Absolute(
                chain.OfType<RewardTransformer>().Single().Model.Score(["a"], [" good story"]),
                loaded.OfType<RewardTransformer>().Single().Model.Score(["a"], [" good story"]), 0, "score");
        }
    }

    [TestMethod]
    public void A_saved_classifier_keeps_its_few_bits()
    {
        using var scope = NewDisposeScope();
        TextClassificationOptions options = new() { MaxSteps = 2, Peft = Lora, BaseQuantization = WeightQuantization.Nf4Nested };
        using TextClassificationTransformer stage = _ml.Trl().TextClassification(Tiny.Source(), options).Fit(Texts);
        using var zip = new MemoryStream();
        _ml.Model.Save(stage, Texts.Schema, zip);
        using var loaded = (TextClassificationTransformer)SavedChain.Load(zip.ToArray());
        Assert.AreEqual(WeightQuantization.Nf4Nested, loaded.Model.Network.Quantization);
        Held.Equal(stage.Model.Network.HeldWeights(), loaded.Model.Network.HeldWeights());
    }

    /// <summary>What the docs advise: train beside few bits, merge into the weights as they were.</summary>
    [TestMethod]
    public void The_adapter_is_merged_into_the_base_as_it_was()
    {
        using var scope = NewDisposeScope();
        using TemporaryFolder folder = Start(), adapter = new();
        using TextGenerationTransformer stage = _ml.Trl().Sft(
            ModelSource.Folder(folder.Path), Sft with { BaseQuantization = WeightQuantization.Nf4 }).Fit(Rows);
        var refused = Assert.ThrowsExactly<NotSupportedException>(() => stage.Model.Network.MergeAndUnload());
        StringAssert.Contains(refused.Message, "without quantization");
        StringAssert.Contains(refused.Message, "SaveAdapter");
        stage.Model.Network.SaveAdapter(adapter.Path);
        using LanguageModel whole = LanguageModel.Load(adapter.Path);
        Tensor ids = tensor(new long[,] { { 3, 4, 5 } });
        using IDisposable frozen = no_grad();
        Tensor beside = whole.Network.Logits(whole.Network.Hidden(ids));
        Close.Differ(
            beside.data<float>().ToArray(), Logits(stage, ids).data<float>().ToArray(), 1e-5, "the base of the stage is a rounded one");
        whole.Network.MergeAndUnload();
        Close.Absolute(beside, whole.Network.Logits(whole.Network.Hidden(ids)), 1e-4, "merged");
        Assert.AreEqual(WeightQuantization.None, whole.Network.Quantization);
    }

    [TestMethod]
    public void A_quantized_reward_model_and_classifier_are_loaded_from_a_folder()
    {
        using var scope = NewDisposeScope();
        using TemporaryFolder folder = new();
        using (RewardTransformer stage = _ml.Trl().RewardModel(Tiny.Source(), new RewardOptions { MaxSteps = 1 }).Fit(Rows))
            stage.Model.Save(folder.Path);
        using TextRewardModel plain = TextRewardModel.Load(folder.Path);
        using TextRewardModel few = TextRewardModel.Load(folder.Path, quantization: WeightQuantization.Int8);
        Assert.AreEqual(WeightQuantization.Int8, few.Network.Quantization);
        Close.Absolute(plain.Score(["a"], [" good story"]), few.Score(["a"], [" good story"]), 0.01, "score");
        using TextClassifier classifier = TextClassifier.Load(folder.Path, quantization: WeightQuantization.Nf4);
        Assert.AreEqual(WeightQuantization.Nf4, classifier.Network.Quantization);
        using TemporaryFolder again = new();
        few.Save(again.Path); // widened
        using TextRewardModel widened = TextRewardModel.Load(again.Path);
        Close.Absolute(few.Score(["a"], [" good story"]), widened.Score(["a"], [" good story"]), 1e-4, "saved");
    }

    [TestMethod]
    public void A_step_leaves_no_tensor_alive() => Leaks.None(() =>
    {
        using LanguageModel start = Tiny.Model();
        SftOptions options = Sft with { BaseQuantization = WeightQuantization.Nf4Nested, Peft = Lora with { Bias = LoraBias.All } };
        using TextGenerationTransformer sft = _ml.Trl().Sft(ModelSource.FromModel(start), options).Fit(Rows);
        DpoOptions dpo = new() { MaxSteps = 2, Peft = Lora with { UseDora = true }, BaseQuantization = WeightQuantization.Int8 };
        using TextGenerationTransformer second = _ml.Trl().Dpo(ModelSource.FromModel(start), dpo).Fit(Rows);
        RewardOptions reward = new() { MaxSteps = 2, Peft = Lora, BaseQuantization = WeightQuantization.Nf4 };
        using RewardTransformer third = _ml.Trl().RewardModel(ModelSource.FromModel(start), reward).Fit(Rows);
    });

    private static T Quick<T>(T options, WeightQuantization kind, int steps = 3)
        where T : EpochOptions => options with
        {
            MaxSteps = steps, LearningRate = 1e-2, LoggingSteps = 1, Peft = Lora, BaseQuantization = kind,
        };

    private static TemporaryFolder Start()
    {
        TemporaryFolder folder = new();
        using LanguageModel start = Tiny.Model();
        start.Save(folder.Path);
        return folder;
    }

    private static bool IsUp((string Name, Tensor Value) weight) => weight.Name.EndsWith("lora_B.weight", StringComparison.Ordinal);

    private static Tensor Logits(TextGenerationTransformer stage, Tensor ids)
    {
        using IDisposable frozen = no_grad();
        CausalLanguageModel network = stage.Model.Network;
        return network.Logits(network.Hidden(ids));
    }
}
