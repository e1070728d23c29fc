using System.Text.Json;
using Microsoft.ML.Trl.Tests.Models;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Adapters;

/// <summary>Adapters that PEFT made: what they compute on, off and merged, and how they are saved again.</summary>
[TestClass]
public sealed class LoraFixtureTests
{
    private const double Tolerance = 1e-4;

    private static readonly string[] Names = ["lora_gpt2", "lora_llama", "lora_bloom", "lora_gpt_neox", "lora_opt", "lora_t5"];

    public static IEnumerable<object[]> Adapters { get; } = [.. Names.Select(name => new object[] { name })];

    [TestMethod]
    [DynamicData(nameof(Adapters))]
    public void Logits_with_the_adapter_on_off_and_merged_are_those_of_PEFT(string name)
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(Base(fixture));
        Dictionary<string, Tensor> before = model.Weights().ToDictionary(weight => weight.Name, weight => weight.Value.clone());
        model.LoadAdapter(fixture.Folder);
        Tensor on = Logits(model, fixture);
        Close.Absolute(fixture["a.logits"], on, Tolerance, $"{name} on");
        using (model.DisableAdapters())
            Close.Absolute(fixture["a.logits_disabled"], Logits(model, fixture), Tolerance, $"{name} off");
        model.MergeAdapters();
        Tensor merged = Logits(model, fixture);
        Close.Absolute(fixture["a.logits_merged"], merged, Tolerance, $"{name} merged");
        Close.Absolute(on, merged, 1e-5, $"{name} merged against beside");
        model.UnmergeAdapters();
        Close.Absolute(on, Logits(model, fixture), 0, $"{name} unmerged");
        model.RemoveAdapter();
        Assert.IsEmpty(model.AdapterNames());
        foreach ((string weight, Tensor value) in model.Weights())
            Assert.IsTrue(value.equal(before[weight]).all().item<bool>(), weight);
        Assert.IsTrue(model.parameters().All(weight => weight.requires_grad));
    }

    [TestMethod]
    [DynamicData(nameof(Adapters))]
    public void An_adapter_is_saved_with_the_names_shapes_and_keys_of_PEFT(string name)
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(Base(fixture));
        model.LoadAdapter(fixture.Folder, "policy");
        using TemporaryFolder folder = new();
        model.SaveAdapter(folder.Path, "policy", "../" + Path.GetFileName(Base(fixture)));
        using SafetensorsFile theirs = SafetensorsFile.Open(Path.Combine(fixture.Folder, "adapter_model.safetensors"));
        using SafetensorsFile ours = SafetensorsFile.Open(Path.Combine(folder.Path, "adapter_model.safetensors"));
        CollectionAssert.AreEquivalent(theirs.Entries.Keys.ToArray(), ours.Entries.Keys.ToArray());
        foreach (string tensor in theirs.Entries.Keys)
            Close.Absolute(theirs.Read(tensor), ours.Read(tensor), 0, tensor);
        Assert.AreEqual("pt", ours.Metadata["format"]);
        using JsonDocument expected = JsonDocument.Parse(File.ReadAllText(Path.Combine(fixture.Folder, "adapter_config.json")));
        using JsonDocument found = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder.Path, "adapter_config.json")));
        CollectionAssert.AreEqual(
            expected.RootElement.EnumerateObject().Select(key => key.Name).ToArray(),
            found.RootElement.EnumerateObject().Select(key => key.Name).ToArray());
        foreach (JsonProperty key in expected.RootElement.EnumerateObject())
            Assert.IsTrue(JsonElement.DeepEquals(key.Value, found.RootElement.GetProperty(key.Name)), key.Name);
    }

    [TestMethod]
    public void Weights_are_the_merged_ones_so_that_a_full_folder_needs_no_adapter()
    {
        foreach (object[] row in Adapters)
        {
            using ModelFixture fixture = new((string)row[0]);
            using CausalLanguageModel model = HuggingFaceFolder.LoadModel(Base(fixture));
            model.LoadAdapter(fixture.Folder);
            using TemporaryFolder folder = new();
            HuggingFaceFolder.Save(folder.Path, model);
            using CausalLanguageModel loaded = HuggingFaceFolder.LoadModel(folder.Path), copy = model.Copy();
            Close.Absolute(fixture["a.logits"], Logits(loaded, fixture), Tolerance, "folder");
            Close.Absolute(fixture["a.logits"], Logits(copy, fixture), Tolerance, "copy");
            model.MergeAndUnload();
            Assert.IsEmpty(model.AdapterNames());
            Close.Absolute(fixture["a.logits"], Logits(model, fixture), Tolerance, "unloaded");
        }
    }

    [TestMethod]
    public void Generation_uses_the_adapter_and_keeps_its_own_numbers_beside_a_cache()
    {
        foreach (object[] row in Adapters)
        {
            using ModelFixture fixture = new((string)row[0]);
            using CausalLanguageModel model = HuggingFaceFolder.LoadModel(Base(fixture));
            model.LoadAdapter(fixture.Folder);
            using CausalLanguageModel merged = model.Copy();
            int[][] prompts = [.. Enumerable.Range(0, 24).Select(row => Prompt(row))];
            GenerationOptions greedy = new() { DoSample = false, MaxNewTokens = 12, EosTokenIds = [] };
            int[][] Generate(CausalLanguageModel from) => [.. new TokenGenerator(from).Generate(prompts, greedy).Tokens];
            int[][] on = Generate(model), expected = Generate(merged);
            using IDisposable off = model.DisableAdapters();
            int[][] without = Generate(model);
            for (int i = 0; i < prompts.Length; i++)
                CollectionAssert.AreEqual(expected[i], on[i], (string)row[0]);
            Assert.IsFalse(on.SelectMany(ids => ids).SequenceEqual(without.SelectMany(ids => ids)), $"{row[0]}: the adapter was ignored");
        }
    }

    [TestMethod]
    [DataRow("sft_lora_llama_adapter_init")]
    [DataRow("sft_lora_llama_all_adapter_init")]
    public void Adapters_that_TRL_started_from_compute_what_they_did_there(string name)
    {
        using FixtureTensors expected = new("trajectories", name, "expected.safetensors");
        using var scope = NewDisposeScope();
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(Fixtures.Path("trajectories", "models", "llama"));
        model.LoadAdapter(Fixtures.Path("trajectories", name));
        Close.Absolute(expected["logits"], ModelFixture.Logits(model, expected["input_ids"]), Tolerance, name);
    }

    private static Tensor Logits(CausalLanguageModel model, ModelFixture fixture)
    {
        if (model.Encoder is null)
            return ModelFixture.Logits(model, fixture["a.input_ids"]);
        using IDisposable frozen = no_grad();
        using var scope = NewDisposeScope();
        using EncodedPrompts prompts = model.Encode(fixture["a.input_ids"]);
        return model.Logits(model.Hidden(fixture["decoder_input_ids"], prompts: prompts)).MoveToOuterDisposeScope();
    }

    private static int[] Prompt(int row) => [.. Enumerable.Range(0, 1 + (row % 5)).Select(at => ((37 * row) + (11 * at)) % 256)];

    private static string Base(ModelFixture fixture) => Fixtures.Path(fixture.Info.GetProperty("base").GetString()!.Split('/'));
}
