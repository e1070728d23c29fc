using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>Sequence classifiers against what transformers computed for tiny random ones; tolerance 1e-4 absolute.</summary>
[TestClass]
public sealed class ClassifierTests
{
    private const double Tolerance = 1e-4;

    private readonly string _folder = Directory.CreateTempSubdirectory("trl-").FullName;
    private readonly DisposeScope _scope = NewDisposeScope();

    [TestCleanup]
    public void Clean()
    {
        _scope.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [TestMethod]
    [DataRow("bert_seqcls")]
    [DataRow("distilbert_seqcls")]
    [DataRow("gpt2_seqcls1")]
    [DataRow("llama_seqcls1")]
    public void It_scores_as_transformers_does(string name)
    {
        using ModelFixture fixture = new(name);
        using SequenceClassifier model = HuggingFaceFolder.LoadClassifier(fixture.Folder);
        using var noGrad = no_grad();
        Assert.AreEqual(fixture.Info.GetProperty("params").GetInt64(), model.ParameterCount);
        Close.Absolute(fixture["a.logits"], model.Logits(fixture["a.input_ids"], [8, 8]), Tolerance, $"{name} a.logits");
        Close.Absolute(
            fixture["c.logits"], model.Logits(fixture["c.input_ids"], Lengths(fixture["c.attention_mask"])), Tolerance, $"{name} c.logits");
        if (fixture.Has("a.logits_tt"))
            Close.Absolute(
                fixture["a.logits_tt"], model.Logits(fixture["a.input_ids"], [8, 8], fixture["a.token_type_ids"]), Tolerance,
                $"{name} with kinds of tokens");
    }

    [TestMethod]
    [DataRow("bert_seqcls")]
    [DataRow("distilbert_seqcls")]
    public void Padding_on_the_left_is_seen_by_no_token_of_an_encoder(string name)
    {
        using ModelFixture fixture = new(name);
        using SequenceClassifier model = HuggingFaceFolder.LoadClassifier(fixture.Folder);
        using var noGrad = no_grad();
        Tensor ids = fixture["b.input_ids"];
        Tensor states = model.Body.HiddenAt(ids, ScoredTokens.Firsts(ids), fixture["b.attention_mask"].to_type(ScalarType.Bool));
        Close.Absolute(fixture["b.logits"], model.Project(states), Tolerance, $"{name} b.logits");
    }

    [TestMethod]
    [DataRow("bert_seqcls")]
    [DataRow("distilbert_seqcls")]
    public void Its_loss_is_that_of_transformers(string name)
    {
        using ModelFixture fixture = new(name);
        using SequenceClassifier model = HuggingFaceFolder.LoadClassifier(fixture.Folder);
        Tensor loss = nn.functional.cross_entropy(model.Logits(fixture["a.input_ids"], [8, 8]), fixture["a.labels"]);
        Close.Absolute(fixture["a.loss"], loss, Tolerance, $"{name} a.loss");
        loss.backward();
        Assert.IsTrue(model.Weights().All(weight => weight.Value.grad is not null), "A weight has no gradient.");
    }

    [TestMethod]
    public void RoBERTa_is_BERT_with_other_names_and_later_positions()
    {
        using ModelFixture fixture = new("bert_seqcls");
        using SequenceClassifier bert = HuggingFaceFolder.LoadClassifier(fixture.Folder);
        const int first = 2; // the row behind that of the pad token, 1
        SafetensorsWriter.Write(Path.Combine(_folder, "model.safetensors"), bert.Weights().Select(weight => (
            weight.Name.Replace("bert.pooler.dense", "classifier.dense", StringComparison.Ordinal)
                .Replace("bert.", "roberta.", StringComparison.Ordinal).Replace("classifier.weight", "classifier.out_proj.weight")
                .Replace("classifier.bias", "classifier.out_proj.bias"),
            weight.Name.Contains("position_embeddings") ? cat([zeros(first, weight.Value.shape[1]), weight.Value]) : weight.Value)));
        JsonNode config = JsonNode.Parse(File.ReadAllText(Path.Combine(fixture.Folder, "config.json")))!;
        config["model_type"] = "roberta";
        config["pad_token_id"] = first - 1;
        config["max_position_embeddings"] = bert.Config.ContextLength + first;
        File.WriteAllText(Path.Combine(_folder, "config.json"), config.ToJsonString());
        using SequenceClassifier roberta = HuggingFaceFolder.LoadClassifier(_folder);
        using var noGrad = no_grad();
        Close.Absolute(fixture["a.logits"], roberta.Logits(fixture["a.input_ids"], [8, 8]), Tolerance, "a.logits");
        int[] lengths = Lengths(fixture["c.attention_mask"]);
        Close.Absolute(fixture["c.logits"], roberta.Logits(fixture["c.input_ids"], lengths), Tolerance, "c.logits");
    }

    [TestMethod]
    [DataRow("bert_seqcls")]
    [DataRow("distilbert_seqcls")]
    [DataRow("gpt2_seqcls1")]
    public void Saved_and_loaded_it_is_the_same(string name)
    {
        using ModelFixture fixture = new(name);
        using SequenceClassifier model = HuggingFaceFolder.LoadClassifier(fixture.Folder);
        HuggingFaceFolder.Save(_folder, model);
        using SequenceClassifier again = HuggingFaceFolder.LoadClassifier(_folder);
        byte[] first = File.ReadAllBytes(Path.Combine(_folder, "model.safetensors"));
        string config = File.ReadAllText(Path.Combine(_folder, "config.json"));
        HuggingFaceFolder.Save(_folder, again);
        CollectionAssert.AreEqual(first, File.ReadAllBytes(Path.Combine(_folder, "model.safetensors")));
        Assert.AreEqual(config, File.ReadAllText(Path.Combine(_folder, "config.json")));
        CollectionAssert.AreEqual(model.Labels.ToArray(), again.Labels.ToArray());
        JsonNode written = JsonNode.Parse(config)!;
        foreach ((string key, JsonNode? value) in JsonNode.Parse(File.ReadAllText(Path.Combine(fixture.Folder, "config.json")))!.AsObject())
            Assert.IsTrue(JsonNode.DeepEquals(value, written[key]), $"{key}: {value} became {written[key]}");
    }

    [TestMethod]
    public void It_begins_with_the_layers_of_another_model_and_a_head_of_its_own()
    {
        using CausalLanguageModel policy = HuggingFaceFolder.LoadModel(Fixtures.Path("models", "gpt2"));
        using SequenceClassifier model = SequenceClassifier.FromModel(policy, ["bad", "fair", "good"], seed: 1);
        CollectionAssert.AreEqual(new[] { "bad", "fair", "good" }, model.Labels.ToArray());
        Dictionary<string, Tensor> theirs = policy.Weights().ToDictionary();
        foreach ((string name, Tensor value) in model.Weights().Where(weight => weight.Name != "score.weight"))
            Assert.IsTrue(value.equal(theirs[name]).all().item<bool>(), name);
        CollectionAssert.AreEqual(new long[] { 3, 32 }, model.Weights().Single(weight => weight.Name == "score.weight").Value.shape);
        using SequenceClassifier two = SequenceClassifier.FromModel(model, ["no", "yes"], seed: 2);
        Assert.AreEqual(2, two.Labels.Count);
    }

    private static int[] Lengths(Tensor mask) => [.. mask.sum(1).data<long>().Select(length => (int)length)];
}
