using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>Tiny random models against transformers; tolerance 1e-4 absolute on logits of size 1.</summary>
[TestClass]
public sealed class ModelFixtureTests
{
    private const double Tolerance = 1e-4;

    public TestContext TestContext { get; set; } = null!;

    [TestMethod]
    [DataRow("gpt2")]
    [DataRow("llama")]
    [DataRow("mistral")]
    [DataRow("qwen2")]
    [DataRow("llama_linear_rope")]
    [DataRow("llama3_rope")]
    public void Logits_hidden_states_and_loss_equal_those_of_transformers(string name)
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder);
        using Tensor hidden = model.Hidden(fixture["a.input_ids"]);
        Tensor logits = ModelFixture.Logits(model, fixture["a.input_ids"]);
        Within(name, "a.hidden_last", ModelFixture.Distance(hidden, fixture["a.hidden_last"]));
        Within(name, "a.logits", ModelFixture.Distance(logits, fixture["a.logits"]));
        Within(name, "a.loss", Math.Abs(Loss(logits, fixture["a.input_ids"]) - fixture["a.loss"].item<float>()));
        Tensor right = ModelFixture.Logits(model, fixture["c.input_ids"]);
        Within(name, "c.logits", ModelFixture.Distance(right, fixture["c.logits"], fixture["c.attention_mask"]));
        Within(name, "c.loss", Math.Abs(Loss(right, fixture["c.labels"]) - fixture["c.loss"].item<float>()));
    }

    [TestMethod]
    [DataRow("gpt2")]
    [DataRow("llama")]
    [DataRow("mistral")]
    [DataRow("qwen2")]
    [DataRow("llama_linear_rope")]
    [DataRow("llama3_rope")]
    public void Left_padding_counts_places_from_the_mask(string name)
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder);
        Tensor mask = fixture["b.attention_mask"];
        Tensor logits = ModelFixture.Logits(model, fixture["b.input_ids"], mask.to_type(ScalarType.Bool));
        Within(name, "b.logits_posids", ModelFixture.Distance(logits, fixture["b.logits_posids"], mask));
    }

    [TestMethod]
    [DataRow("gpt2")]
    [DataRow("llama")]
    [DataRow("mistral")]
    [DataRow("qwen2")]
    public void A_configuration_in_the_older_layout_gives_the_same_model(string name)
    {
        using ModelFixture fixture = new(name);
        string path = Path.Combine(fixture.Folder, "config_v4.json");
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(
            ModelConfig.Parse(File.ReadAllText(path), path), File.OpenRead(Path.Combine(fixture.Folder, "model.safetensors")), name);
        Tensor logits = ModelFixture.Logits(model, fixture["a.input_ids"]);
        Within(name, "a.logits", ModelFixture.Distance(logits, fixture["a.logits"]));
    }

    [TestMethod]
    [DataRow("gpt2_noprefix")]
    [DataRow("llama_sharded")]
    [DataRow("llama_bf16")]
    [DataRow("gpt2_f16")]
    public void Other_ways_to_store_the_weights_give_the_same_logits(string name)
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder);
        Tensor logits = ModelFixture.Logits(model, fixture["a.input_ids"]);
        Within(name, "a.logits", ModelFixture.Distance(logits, fixture["a.logits"]));
    }

    [TestMethod]
    [DataRow("gpt2_seqcls1")]
    [DataRow("llama_seqcls1")]
    public void A_reward_model_scores_as_sequence_classification_does(string name)
    {
        using ModelFixture fixture = new(name);
        using RewardModel model = HuggingFaceFolder.LoadRewardModel(fixture.Folder);
        using var noGrad = no_grad();
        Within(name, "a.logits", ModelFixture.Distance(model.Score(fixture["a.input_ids"], [8, 8]).unsqueeze(-1), fixture["a.logits"]));
        int[] lengths = [.. fixture["c.attention_mask"].sum(1).data<long>().Select(length => (int)length)];
        Within(name, "c.logits", ModelFixture.Distance(model.Score(fixture["c.input_ids"], lengths).unsqueeze(-1), fixture["c.logits"]));
    }

    [TestMethod]
    [DataRow("gpt2_value_head", "gpt2")]
    [DataRow("llama_value_head", "llama")]
    public void A_value_head_estimates_as_in_TRL(string name, string backbone)
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(Fixtures.Path("models", backbone));
        using ValueHead head = HuggingFaceFolder.LoadValueHead(fixture.Folder, model.Config.HiddenSize);
        using var noGrad = no_grad();
        Tensor mask = fixture["attention_mask"];
        Tensor values = head.Values(model.Hidden(fixture["input_ids"], mask));
        if (backbone == "gpt2") // TRL counted places from the left edge there, padding included; only rotary positions do not notice
            mask[1] = 0;
        Within(name, "values", ModelFixture.Distance(values.unsqueeze(-1), fixture["values"].unsqueeze(-1), mask));
    }

    [TestMethod]
    [DataRow("gpt2")]
    [DataRow("llama")]
    public void Bfloat16_weights_stay_near_float32(string name)
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder, dtype: ScalarType.BFloat16);
        Tensor logits = ModelFixture.Logits(model, fixture["a.input_ids"]);
        Assert.AreEqual(ScalarType.BFloat16, logits.dtype);
        double distance = ModelFixture.Distance(logits, fixture["a.logits"]);
        TestContext.WriteLine($"{name} bfloat16 a.logits: {distance:E2}");
        Assert.IsLessThan(0.25, distance);
    }

    private static double Loss(Tensor logits, Tensor labels)
    {
        using var scope = NewDisposeScope();
        long vocabulary = logits.shape[^1];
        return nn.functional.cross_entropy(logits.narrow(1, 0, logits.shape[1] - 1).reshape(-1, vocabulary), labels.narrow(1, 1, labels.shape[1] - 1).reshape(-1)).item<float>();
    }

    private void Within(string model, string what, double distance)
    {
        TestContext.WriteLine($"{model} {what}: {distance:E2}");
        Assert.IsLessThan(Tolerance, distance, $"{model} {what}");
    }
}
