using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.Models;
using Microsoft.ML.Trl.Tests.Pipeline;
using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Estimators;

/// <summary>Stages that train adapters: what they change, what they hold in memory, and what is saved of them.</summary>
[TestClass]
public sealed class PeftTests
{
    private static readonly LoraOptions Lora = new() { R = 4, LoraAlpha = 16, TargetModules = [LoraOptions.AllLinear] };

    private static readonly SftOptions Sft = new() { MaxSteps = 3, LearningRate = 3e-2, Peft = Lora, Generation = Tiny.Greedy };

    private static readonly RewardOptions Reward = new() { MaxSteps = 3, LearningRate = 3e-2, Peft = Lora };

    private static readonly PpoOptions Ppo = new()
    {
        Steps = 8,
        BatchSize = 4,
        MiniBatchSize = 2,
        LearningRate = 1e-2,
        Generation = Tiny.Greedy,
        Peft = Lora,
    };

    private readonly MLContext _ml = new(1);

    private IDataView Rows => _ml.Data.LoadFromEnumerable(Tiny.Pairs);

    [TestMethod]
    public void Every_stage_trains_adapters_alone_and_two_fits_are_equal()
    {
        using var scope = NewDisposeScope();
        using LanguageModel start = Tiny.Model();
        (string Name, Tensor Value)[] before = [.. start.Network.Weights().Select(weight => (weight.Name, weight.Value.clone()))];
        var source = ModelSource.FromModel(start);
        var length = RewardFunction.Of((_, response) => response.Length);
        Func<DecoderModel>[] fits =
        [
            () => _ml.Trl().Sft(source, Sft).Fit(Rows).Model.Network,
            () => _ml.Trl().Dpo(source, new DpoOptions { MaxSteps = 3, LearningRate = 1e-2, Peft = Lora }).Fit(Rows).Model.Network,
            () => _ml.Trl().Dpo(source, new DpoOptions
            {
                MaxSteps = 3,
                LearningRate = 1e-2,
                Peft = Lora,
                PrecomputeRefLogProbs = true,
            }).Fit(Rows).Model.Network,
            () => _ml.Trl().RewardModel(source, Reward).Fit(Rows).Model.Network,
            () => _ml.Trl().Ppo(source, length, Ppo).Fit(Rows).Model.Network,
        ];
        foreach (Func<DecoderModel> fit in fits)
        {
            using DecoderModel first = fit(), second = fit();
            Dictionary<string, Tensor> own = first.BaseWeights().ToDictionary(weight => weight.Name, weight => weight.Value);
            foreach ((string name, Tensor value) in before.Where(weight => own.ContainsKey(weight.Name)))
                Assert.IsTrue(value.equal(own[name]).all().item<bool>(), name);
            Assert.IsGreaterThan(0, first.AdapterWeights().Where(IsUp).Max(weight => weight.Value.abs().max().item<float>()));
            foreach (((string name, Tensor value), (_, Tensor again)) in first.AdapterWeights().Zip(second.AdapterWeights()))
                Close.Absolute(value, again, 0, name);
            Assert.IsEmpty(first.AdapterWeights().Where(weight => weight.Name.EndsWith("wte.weight", StringComparison.Ordinal)));
        }
    }

    [TestMethod]
    public void The_base_is_in_memory_once_however_many_stages_there_are()
    {
        using var scope = NewDisposeScope();
        using LanguageModel start = Tiny.Model();
        using var chain = _ml.Trl().Sft(ModelSource.FromModel(start), Sft)
            .Append(_ml.Trl().RewardModel(Reward))
            .Append(_ml.Trl().Ppo(Ppo)).Fit(Rows);
        DecoderModel[] stages =
        [
            .. chain.OfType<TextGenerationTransformer>().Select(stage => (DecoderModel)stage.Model.Network),
            .. chain.OfType<RewardTransformer>().Select(stage => (DecoderModel)stage.Model.Network),
        ];
        Assert.HasCount(3, stages);
        using IDisposable frozen = no_grad();
        start.Network.HeadWeight.fill_(0.25);
        foreach (DecoderModel stage in stages)
            Assert.AreEqual(0.25f, stage.Body.TokenEmbedding.min().item<float>(), "a copy of the base");
        CollectionAssert.AreEqual(new[] { "default" }, stages[0].AdapterNames().ToArray());
        CollectionAssert.AreEqual(new[] { "default", "default_2" }, stages[1].AdapterNames().ToArray(), "PPO starts from what SFT made");
        CollectionAssert.AreEqual(new[] { "default", "default_2" }, stages[2].AdapterNames().ToArray());
    }

    [TestMethod]
    public void Adapters_of_the_starting_model_are_merged_where_all_weights_are_trained_or_dora_stands_there()
    {
        using var scope = NewDisposeScope();
        using TextGenerationTransformer sft = _ml.Trl().Sft(Tiny.Source(), Sft).Fit(Rows);
        var source = ModelSource.FromTransformer(sft);
        using TextGenerationTransformer full = _ml.Trl().Sft(source, Sft with { Peft = null, LearningRate = 1e-12 }).Fit(Rows);
        using TextGenerationTransformer dora =
            _ml.Trl().Sft(source, Sft with { Peft = Lora with { UseDora = true }, LearningRate = 1e-12 }).Fit(Rows);
        Assert.IsEmpty(full.Model.Network.AdapterNames());
        Assert.HasCount(1, dora.Model.Network.AdapterNames());
        Tensor ids = tensor(new long[,] { { 3, 4, 5 } });
        Tensor expected = Logits(sft, ids);
        Close.Absolute(expected, Logits(full, ids), 1e-4, "full");
        Close.Absolute(expected, Logits(dora, ids), 1e-4, "dora");
    }

    [TestMethod]
    public void A_saved_chain_keeps_its_adapters_and_answers_and_scores_alike()
    {
        using var scope = NewDisposeScope();
        using var chain = _ml.Trl().Sft(Tiny.Source(), Sft)
            .Append(_ml.Trl().RewardModel(Reward with { Peft = Lora with { Bias = LoraBias.All } }))
            .Append(_ml.Trl().Ppo(Ppo with { Peft = Lora with { UseRslora = true, InitLoraWeights = LoraInitialization.Pissa } }))
            .Fit(Rows);
        using var zip = new MemoryStream();
        _ml.Model.Save(chain, Rows.Schema, zip);
        using var loaded = (TransformerChain<ITransformer>)SavedChain.Load(zip.ToArray());
        IDataView prompts = _ml.Data.LoadFromEnumerable(Tiny.Pairs);
        Tiny.ScoredAnswer[] expected = SavedChain.Read<Tiny.ScoredAnswer>(chain.Transform(prompts));
        Tiny.ScoredAnswer[] found = SavedChain.Read<Tiny.ScoredAnswer>(loaded.Transform(prompts));
        for (int row = 0; row < expected.Length; row++)
        {
            Assert.AreEqual(expected[row].Completion, found[row].Completion);
            Close.Absolute(expected[row].Score, found[row].Score, 1e-5, "score");
        }
        LanguageModel last = loaded.OfType<TextGenerationTransformer>().Last().Model;
        CollectionAssert.AreEqual(new[] { "default", "default_2" }, last.Network.ActiveAdapters().ToArray());
        Assert.IsNotNull(last.ValueHead);
    }

    [TestMethod]
    public void A_pipeline_without_its_base_finds_it_again_and_refuses_another()
    {
        using var scope = NewDisposeScope();
        using TemporaryFolder folder = new();
        using (LanguageModel start = Tiny.Model())
            start.Save(folder.Path);
        LoraOptions away = Lora with { SaveBase = false };
        using var chain = _ml.Trl().Sft(ModelSource.Folder(folder.Path), Sft with { Peft = away })
            .Append(_ml.Trl().RewardModel(Reward with { Peft = away })).Fit(Rows);
        using var zip = new MemoryStream();
        _ml.Model.Save(chain, Rows.Schema, zip);
        using (var whole = _ml.Trl().Sft(ModelSource.Folder(folder.Path), Sft)
            .Append(_ml.Trl().RewardModel(Reward)).Fit(Rows))
        {
            using var larger = new MemoryStream();
            _ml.Model.Save(whole, Rows.Schema, larger);
            Assert.IsLessThan(larger.Length - (2 * 4 * 16 * Tiny.Tokenizer.VocabularySize) + 1, zip.Length, "the embedding is stored");
        }
        using (var loaded = (TransformerChain<ITransformer>)SavedChain.Load(zip.ToArray()))
        {
            Tensor ids = tensor(new long[,] { { 3, 4, 5 } });
            TextGenerationTransformer saved = chain.OfType<TextGenerationTransformer>().Single();
            Close.Absolute(Logits(saved, ids), Logits(loaded.OfType<TextGenerationTransformer>().Single(), ids), 0, "policy");
            Close.Absolute(
                chain.OfType<RewardTransformer>().Single().Model.Score(["a"], [" good story"]),
                loaded.OfType<RewardTransformer>().Single().Model.Score(["a"], [" good story"]), 0, "reward");
        }
        using (LanguageModel other = Tiny.Model(seed: 2))
            other.Save(folder.Path);
        StringAssert.Contains(SavedChain.Messages(() => SavedChain.Load(zip.ToArray())), "holds another one by now: its SHA-256 is");
        Directory.Delete(folder.Path, recursive: true);
        string gone = SavedChain.Messages(() => SavedChain.Load(zip.ToArray()));
        StringAssert.Contains(gone, "there is no such folder. Put the base there again");
        Directory.CreateDirectory(folder.Path);
    }

    [TestMethod]
    public void A_quantized_model_with_an_adapter_is_saved_without_its_base()
    {
        using var scope = NewDisposeScope();
        using TemporaryFolder folder = new();
        using (LanguageModel start = Tiny.Model())
            start.Save(folder.Path);
        using TextGenerationTransformer stage = new(
            _ml, LanguageModel.Load(folder.Path, quantization: WeightQuantization.Int8), "Completion", null, "Prompt", []);
        stage.Model.Network.AddAdapter(Lora with { InitLoraWeights = LoraInitialization.Random, SaveBase = false });
        using var zip = new MemoryStream();
        _ml.Model.Save(stage, Rows.Schema, zip);
        using var loaded = (TextGenerationTransformer)SavedChain.Load(zip.ToArray());
        Assert.AreEqual(WeightQuantization.Int8, loaded.Model.Network.Quantization);
        Tensor ids = tensor(new long[,] { { 3, 4, 5 } });
        Close.Absolute(Logits(stage, ids), Logits(loaded, ids), 0, "quantized");
    }

    [TestMethod]
    [DynamicData(nameof(MadeModels.AllDecoders), typeof(MadeModels))]
    public void Every_family_is_saved_and_loaded_with_its_adapter(string name)
    {
        using var scope = NewDisposeScope();
        using CausalLanguageModel made = MadeModels.Load(name);
        ModelConfig config = made.Config with { VocabularySize = Tiny.Tokenizer.VocabularySize };
        var model = new LanguageModel(CausalLanguageModel.Create(config, 3), Tiny.Tokenizer);
        model.Network.AddAdapter(Lora with { InitLoraWeights = LoraInitialization.Random });
        using TextGenerationTransformer stage = new(_ml, model, "Completion", null, "Prompt", []);
        using var zip = new MemoryStream();
        _ml.Model.Save(stage, Rows.Schema, zip);
        using var loaded = (TextGenerationTransformer)SavedChain.Load(zip.ToArray());
        Tensor ids = tensor(new long[,] { { 3, 4, 5 } });
        Close.Absolute(Logits(stage, ids), Logits(loaded, ids), 0, name);
        using IDisposable off = loaded.Model.Network.DisableAdapters();
        Close.Differ(Logits(stage, ids).data<float>().ToArray(), Logits(loaded, ids).data<float>().ToArray(), 1e-3, name);
    }

    [TestMethod]
    public void A_base_that_is_nowhere_cannot_be_left_out()
    {
        using var scope = NewDisposeScope();
        LoraOptions away = Lora with { SaveBase = false };
        var error = Assert.ThrowsExactly<ArgumentException>(() => _ml.Trl().Sft(Tiny.Source(), Sft with { Peft = away }).Fit(Rows));
        StringAssert.Contains(error.Message, "start from ModelSource.Folder");
    }

    [TestMethod]
    public void An_adapter_folder_is_a_source_and_names_its_base()
    {
        using var scope = NewDisposeScope();
        using TemporaryFolder folder = new(), adapter = new();
        using (LanguageModel start = Tiny.Model())
            start.Save(folder.Path);
        using TextGenerationTransformer sft = _ml.Trl().Sft(ModelSource.Folder(folder.Path), Sft).Fit(Rows);
        sft.Model.Network.SaveAdapter(adapter.Path);
        using LanguageModel loaded = LanguageModel.Load(adapter.Path);
        Tensor ids = tensor(new long[,] { { 3, 4, 5 } });
        using var frozen = no_grad();
        Close.Absolute(Logits(sft, ids), loaded.Network.Logits(loaded.Network.Hidden(ids)), 0, "loaded");
        using TextGenerationTransformer again = _ml.Trl().Sft(ModelSource.Folder(adapter.Path), Sft).Fit(Rows);
        CollectionAssert.AreEqual(new[] { "default", "default_2" }, again.Model.Network.AdapterNames().ToArray());
        using TextGenerationTransformer plain = _ml.Trl().TextGeneration(ModelSource.Folder(adapter.Path)).Fit(Rows);
        Close.Absolute(Logits(sft, ids), Logits(plain, ids), 1e-5, "merged");
    }

    /// <summary>The same numbers as a reference that is given: the starting model itself.</summary>
    [TestMethod]
    public void The_base_is_the_reference_of_dpo_and_ppo()
    {
        using var scope = NewDisposeScope();
        using LanguageModel start = Tiny.Model();
        var source = ModelSource.FromModel(start);
        DpoOptions dpo = new() { MaxSteps = 3, LearningRate = 1e-2, Peft = Lora };
        using TextGenerationTransformer without = _ml.Trl().Dpo(source, dpo).Fit(Rows);
        using TextGenerationTransformer given = _ml.Trl().Dpo(source, dpo, reference: source).Fit(Rows);
        foreach (((string name, Tensor value), (_, Tensor same)) in
            without.Model.Network.AdapterWeights().Zip(given.Model.Network.AdapterWeights()))
            Close.Absolute(value, same, 1e-6, name);
        using PpoSession session = new(start.Network, Ppo);
        int[][] queries = [[3, 4], [5], [6, 7], [8]];
        PpoStatistics first = session.Step(queries, session.Generate(queries), [1, 0, 2, -1]);
        Close.Absolute(0, first["objective/kl"], 1e-6, "the policy begins as its reference");
        PpoStatistics second = session.Step(queries, session.Generate(queries), [1, 0, 2, -1]);
        Assert.AreNotEqual(0, second["objective/kl"]);
        CollectionAssert.AreEqual(new[] { "default" }, start.Network.AdapterNames().ToArray());
    }

    [TestMethod]
    public void Lora_plus_lets_B_learn_faster()
    {
        using var scope = NewDisposeScope();
        SftOptions one = Sft with { MaxSteps = 1, Optim = OptimizerKind.Sgd, MaxGradNorm = 0, LearningRate = 1e-2 };
        using TextGenerationTransformer slow = _ml.Trl().Sft(Tiny.Source(), one).Fit(Rows);
        using TextGenerationTransformer fast =
            _ml.Trl().Sft(Tiny.Source(), one with { Peft = Lora with { LoraplusLrRatio = 4 } }).Fit(Rows);
        foreach (((string name, Tensor value), (_, Tensor faster)) in
            slow.Model.Network.AdapterWeights().Zip(fast.Model.Network.AdapterWeights()))
            Close.Relative(IsUp((name, value)) ? value * 4 : value, faster, 1e-5, name); // B begins at 0, and A has no gradient yet
    }

    [TestMethod]
    public void A_reward_model_with_an_adapter_is_saved_as_a_plain_folder_that_scores_alike()
    {
        using var scope = NewDisposeScope();
        using TemporaryFolder folder = new();
        using RewardTransformer stage = _ml.Trl().RewardModel(Tiny.Source(), Reward).Fit(Rows);
        stage.Model.Save(folder.Path);
        using TextRewardModel loaded = TextRewardModel.Load(folder.Path);
        Assert.IsEmpty(loaded.Network.AdapterNames());
        Close.Absolute(stage.Model.Score(["a"], [" good story"]), loaded.Score(["a"], [" good story"]), 1e-5, "score");
    }

    [TestMethod]
    public void A_classifier_is_trained_saved_and_loaded_with_its_adapter()
    {
        using var scope = NewDisposeScope();
        IDataView texts = _ml.Data.LoadFromEnumerable(Tiny.Pairs.Select(row => new { Text = row.Chosen, Label = "good" })
            .Concat(Tiny.Pairs.Select(row => new { Text = row.Rejected, Label = "bad" })));
        TextClassificationOptions options = new() { MaxSteps = 3, LearningRate = 1e-2, Peft = Lora };
        using TextClassificationTransformer stage = _ml.Trl().TextClassification(Tiny.Source(), options).Fit(texts);
        using var zip = new MemoryStream();
        _ml.Model.Save(stage, texts.Schema, zip);
        using var loaded = (TextClassificationTransformer)SavedChain.Load(zip.ToArray());
        Tensor ids = tensor(new long[,] { { 3, 4, 5 } });
        using var frozen = no_grad();
        Close.Absolute(stage.Model.Network.Logits(ids, [3]), loaded.Model.Network.Logits(ids, [3]), 0, "classifier");
        CollectionAssert.Contains(
            loaded.Model.Network.AdapterWeights().Select(weight => weight.Name).ToArray(), "base_model.model.score.weight");
    }

    [TestMethod]
    public void Bfloat16_trains_adapters_in_float32_beside_a_narrow_base()
    {
        using var scope = NewDisposeScope();
        SftOptions narrow = Sft with { Bf16 = true, MaxSteps = 10, LoggingSteps = 1 };
        using TextGenerationTransformer stage = _ml.Trl().Sft(Tiny.Source(), narrow).Fit(Rows);
        Assert.AreEqual(ScalarType.BFloat16, stage.Model.Network.Type);
        Assert.IsTrue(stage.Model.Network.AdapterWeights().All(weight => weight.Value.dtype == ScalarType.Float32));
        Close.Below(stage.Reports[0].Metrics["loss"], stage.Reports[^1].Metrics["loss"], "loss");
    }

    [TestMethod]
    public void A_step_leaves_no_tensor_alive() => Leaks.None(() =>
    {
        using LanguageModel start = Tiny.Model();
        var source = ModelSource.FromModel(start);
        using TextGenerationTransformer sft = _ml.Trl().Sft(source, Sft with { Peft = Lora with { LoraDropout = 0.1 } }).Fit(Rows);
        using TextGenerationTransformer ppo =
            _ml.Trl().Ppo(source, RewardFunction.Of((_, response) => response.Length), Ppo).Fit(Rows);
        using RewardTransformer reward = _ml.Trl().RewardModel(source, Reward with { Peft = Lora with { UseDora = true } }).Fit(Rows);
    });

    private static bool IsUp((string Name, Tensor Value) weight) => weight.Name.EndsWith("lora_B.weight", StringComparison.Ordinal);

    private static Tensor Logits(TextGenerationTransformer stage, Tensor ids)
    {
        using IDisposable frozen = no_grad();
        CausalLanguageModel network = stage.Model.Network;
        return network.Logits(network.Hidden(ids));
    }
}
