using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.Models;
using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Adapters;

/// <summary>Adapters of all kinds on all families: beside the weights, merged, off, shared, saved and loaded.</summary>
[TestClass]
public sealed class LoraModelTests
{
    private static readonly Dictionary<string, LoraOptions> Kinds = new()
    {
        ["plain"] = new() { InitLoraWeights = LoraInitialization.Random },
        ["rslora"] = new() { R = 4, LoraAlpha = 6, UseRslora = true, InitLoraWeights = LoraInitialization.Random },
        ["dora"] = new() { R = 4, UseDora = true, InitLoraWeights = LoraInitialization.Random },
        ["pissa"] = new() { R = 3, LoraAlpha = 5, InitLoraWeights = LoraInitialization.Pissa },
        ["rspissa"] = new() { R = 3, LoraAlpha = 5, UseRslora = true, InitLoraWeights = LoraInitialization.Pissa },
        ["biases"] = new() { R = 2, Bias = LoraBias.All, InitLoraWeights = LoraInitialization.Gaussian },
        ["own biases"] = new() { R = 2, Bias = LoraBias.LoraOnly },
        ["patterns"] = new()
        {
            R = 2,
            RankPattern = new Dictionary<string, int> { [".*1.*"] = 3 },
            AlphaPattern = new Dictionary<string, double> { [".*0.*"] = 1.5 },
            LayersToTransform = [0, 1],
            InitLoraWeights = LoraInitialization.Random,
        },
    };

    public static IEnumerable<object[]> Families => ModelFixture.Decoders;

    public static IEnumerable<object[]> KindNames => Kinds.Keys.Select(kind => new object[] { kind });

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void Every_linear_layer_of_every_family_can_have_an_adapter(string name)
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder), original = model.Copy();
        int layers = model.Linears().Count(layer => layer.Name != model.Config.Family.HeadName);
        model.AddAdapter(Kinds["plain"] with { TargetModules = [LoraOptions.AllLinear], R = 2 });
        Assert.HasCount(2 * layers, model.AdapterWeights());
        CheckAllWays(model, original, fixture, 1e-4);
    }

    [TestMethod]
    [DynamicData(nameof(Families))]
    public void Families_have_the_usual_layers_of_PEFT(string name)
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder), original = model.Copy();
        if (name == "phi3")
        {
            var none = Assert.ThrowsExactly<ArgumentException>(() => model.AddAdapter(new LoraOptions()));
            StringAssert.Contains(none.Message, "PEFT has no usual layers for phi3");
            return;
        }
        model.AddAdapter(new LoraOptions());
        Assert.IsTrue(model.AdapterWeights().Count is 4 or 8 or 16, $"{model.AdapterWeights().Count} tensors");
        Tensor fresh = ModelFixture.Logits(model, fixture["a.input_ids"]), before = ModelFixture.Logits(original, fixture["a.input_ids"]);
        Close.Absolute(before, fresh, 1e-6, $"{name} fresh"); // B is zero
    }

    [TestMethod]
    [DynamicData(nameof(KindNames))]
    public void Every_kind_computes_the_same_beside_merged_copied_and_loaded(string kind)
    {
        foreach (string name in new[] { "gpt2", "llama" })
        {
            using ModelFixture fixture = new(name);
            using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder), original = model.Copy();
            model.AddAdapter(Kinds[kind], seed: 7);
            Shake(model);
            CheckAllWays(model, original, fixture, 1e-4);
        }
    }

    [TestMethod]
    public void A_pissa_adapter_begins_as_nothing_and_is_saved_with_twice_the_rank()
    {
        using ModelFixture fixture = new("gpt2");
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder), original = model.Copy();
        model.AddAdapter(Kinds["pissa"]);
        Close.Absolute(fixture["a.logits"], ModelFixture.Logits(model, fixture["a.input_ids"]), 1e-4, "at the start");
        CollectionAssert.AreEqual(new long[] { 6, 32 }, model.AdapterWeights()[0].Value.shape);
        WeightChecks.Equal(original.Weights(), model.BaseWeights());
    }

    /// <summary>arXiv:2402.09353, Eq. 5, with the lengths of the rows of the weight that PyTorch computes with.</summary>
    [TestMethod]
    public void A_dora_layer_computes_the_weight_that_its_paper_says()
    {
        using var scope = NewDisposeScope();
        using ModelFixture fixture = new("llama");
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder), original = model.Copy();
        model.AddAdapter(new LoraOptions { R = 4, LoraAlpha = 6, UseDora = true, TargetModules = ["q_proj"] });
        Shake(model);
        Dictionary<string, Tensor> before = original.Weights().ToDictionary(weight => weight.Name, weight => weight.Value);
        Dictionary<string, Tensor> adapter = model.AdapterWeights().ToDictionary(weight => weight.Name, weight => weight.Value);
        foreach ((string name, Tensor value) in model.Weights())
        {
            if (!name.EndsWith("q_proj.weight", StringComparison.Ordinal))
                continue;
            string path = "base_model.model." + name[..^".weight".Length];
            Tensor sum = before[name] + (adapter[path + ".lora_B.weight"].matmul(adapter[path + ".lora_A.weight"]) * 1.5);
            Tensor expected = adapter[path + ".lora_magnitude_vector"].unsqueeze(1) * sum / sum.square().sum(1, true).sqrt();
            Close.Absolute(expected, value, 1e-6, name);
        }
    }

    [TestMethod]
    public void Several_adapters_stand_on_one_base_and_are_chosen_by_name()
    {
        using ModelFixture fixture = new("lora_llama");
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(Fixtures.Path("models", "llama"));
        Tensor ids = fixture["a.input_ids"];
        model.LoadAdapter(fixture.Folder, "policy");
        model.AddAdapter(Kinds["plain"] with { TargetModules = ["o_proj"] }, "other");
        CollectionAssert.AreEqual(new[] { "policy", "other" }, model.AdapterNames().ToArray());
        CollectionAssert.AreEqual(new[] { "policy", "other" }, model.ActiveAdapters().ToArray());
        Tensor both = ModelFixture.Logits(model, ids);
        model.SetAdapters("policy");
        Close.Absolute(fixture["a.logits"], ModelFixture.Logits(model, ids), 1e-4, "policy");
        model.SetAdapters("other");
        Tensor other = ModelFixture.Logits(model, ids);
        Assert.IsGreaterThan(1e-3, (other - both).abs().max().item<float>());
        model.SetAdapters();
        Close.Absolute(fixture["a.logits_disabled"], ModelFixture.Logits(model, ids), 1e-4, "none");
        model.SetAdapters("policy", "other");
        Close.Absolute(both, ModelFixture.Logits(model, ids), 0, "both");
        model.RemoveAdapter("other");
        Close.Absolute(fixture["a.logits"], ModelFixture.Logits(model, ids), 1e-4, "policy alone");
    }

    [TestMethod]
    public void An_adapter_may_stand_beside_a_layer_that_another_one_trains_whole()
    {
        using ModelFixture fixture = new("llama");
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder), original = model.Copy();
        model.AddAdapter(Kinds["plain"] with { TargetModules = ["q_proj"] }, "beside");
        model.AddAdapter(Kinds["plain"] with { TargetModules = ["v_proj"], ModulesToSave = ["q_proj", "norm"] }, "whole");
        Shake(model);
        Tensor ids = fixture["a.input_ids"], on = ModelFixture.Logits(model, ids);
        using CausalLanguageModel copy = model.Copy(), twin = model.Sharing(withTrained: true);
        Close.Absolute(on, ModelFixture.Logits(copy, ids), 1e-4, "copy");
        Close.Absolute(on, ModelFixture.Logits(twin, ids), 0, "twin");
        model.MergeAdapters();
        Close.Absolute(on, ModelFixture.Logits(model, ids), 1e-4, "merged");
        model.UnmergeAdapters();
        Close.Absolute(on, ModelFixture.Logits(model, ids), 0, "unmerged");
        WeightChecks.Equal(original.Weights(), model.BaseWeights());
        model.MergeAndUnload();
        Close.Absolute(on, ModelFixture.Logits(model, ids), 1e-4, "unloaded");
        Close.Absolute(on, ModelFixture.Logits(twin, ids), 0, "the twin keeps its own");
        Assert.IsTrue(model.parameters().All(weight => weight.requires_grad));
    }

    [TestMethod]
    public void A_reference_and_a_reward_model_share_the_memory_of_the_base()
    {
        using ModelFixture fixture = new("lora_llama");
        using CausalLanguageModel policy = HuggingFaceFolder.LoadModel(Fixtures.Path("models", "llama"));
        policy.LoadAdapter(fixture.Folder, isTrainable: true);
        using CausalLanguageModel reference = policy.CreateReferenceModel();
        using RewardModel reward = RewardModel.Beside(policy, 1, null);
        reward.AddAdapter(new LoraOptions { R = 2 }, "reward");
        Close.Absolute(fixture["a.logits_disabled"], ModelFixture.Logits(reference, fixture["a.input_ids"]), 1e-4, "reference");
        using (IDisposable frozen = no_grad())
            policy.BaseWeights().First(weight => weight.Name.EndsWith("q_proj.weight", StringComparison.Ordinal)).Value.fill_(0.5);
        foreach (DecoderModel other in new DecoderModel[] { reference, reward })
        {
            Tensor seen = other.BaseWeights().First(weight => weight.Name.EndsWith("q_proj.weight", StringComparison.Ordinal)).Value;
            Assert.AreEqual(0.5f, seen.max().item<float>(), "the base is another's");
        }
        Assert.IsFalse(reference.parameters().Any(weight => weight.requires_grad));
    }

    [TestMethod]
    public void Dropout_draws_in_training_alone_and_from_its_generator()
    {
        using ModelFixture fixture = new("llama");
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder);
        model.AddAdapter(Kinds["plain"] with { LoraDropout = 0.5 });
        Tensor Train(ulong seed)
        {
            using Generator rng = new(seed);
            model.SetDropout(0, rng);
            model.train();
            try
            {
                return ModelFixture.Logits(model, fixture["a.input_ids"]);
            }
            finally
            {
                model.eval();
            }
        }
        Tensor first = Train(1), again = Train(1), second = Train(2), off = ModelFixture.Logits(model, fixture["a.input_ids"]);
        Close.Absolute(first, again, 0, "one seed");
        Assert.IsGreaterThan(1e-4, (first - second).abs().max().item<float>());
        Assert.IsGreaterThan(1e-4, (first - off).abs().max().item<float>());
    }

    [TestMethod]
    public void Nothing_of_an_adapter_outlives_it() => Leaks.None(() =>
    {
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(Fixtures.Path("models", "llama"));
        model.LoadAdapter(Fixtures.Path("models", "lora_llama"));
        model.AddAdapter(Kinds["pissa"] with { ModulesToSave = ["norm"] }, "second");
        using CausalLanguageModel reference = model.CreateReferenceModel(), copy = model.Copy();
        copy.AddAdapter(Kinds["dora"]);
        model.MergeAdapters();
        model.UnmergeAdapters();
        model.RemoveAdapter("second");
        model.MergeAndUnload();
    });

    /// <summary>Beside the weights, merged, copied, saved and loaded: the same; and without it what it was.</summary>
    private static void CheckAllWays(CausalLanguageModel model, CausalLanguageModel original, ModelFixture fixture, double tolerance)
    {
        Tensor ids = fixture["a.input_ids"], on = ModelFixture.Logits(model, ids), before = ModelFixture.Logits(original, ids);
        using CausalLanguageModel copy = model.Copy(), second = original.Copy();
        Close.Absolute(on, ModelFixture.Logits(copy, ids), tolerance, "copy");
        using TemporaryFolder folder = new();
        model.SaveAdapter(folder.Path);
        second.LoadAdapter(folder.Path);
        Close.Absolute(on, ModelFixture.Logits(second, ids), tolerance, "loaded");
        using (model.DisableAdapters())
            Close.Absolute(before, ModelFixture.Logits(model, ids), 0, "off");
        model.MergeAdapters();
        Close.Absolute(on, ModelFixture.Logits(model, ids), tolerance, "merged");
        model.UnmergeAdapters();
        WeightChecks.Equal(original.Weights(), model.BaseWeights());
        model.RemoveAdapter();
        Close.Absolute(before, ModelFixture.Logits(model, ids), 0, "removed");
    }

    /// <summary>Moves what is trained away from where it began.</summary>
    private static void Shake(CausalLanguageModel model)
    {
        using var frozen = no_grad();
        foreach (TorchSharp.Modules.Parameter weight in model.parameters().Where(weight => weight.requires_grad))
            using (Tensor noise = rand_like(weight))
                weight.add_(noise, 0.1);
    }
}
