using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>Tiny random models against transformers; tolerance 1e-4 absolute on logits of size 1.</summary>
[TestClass]
public sealed class ModelFixtureTests
{
    private const double Tolerance = 1e-4;

    [TestMethod]
    [DynamicData(nameof(ModelFixture.Decoders), typeof(ModelFixture))]
    public void Logits_hidden_states_and_loss_equal_those_of_transformers(string name)
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder);
        using Tensor hidden = model.Hidden(fixture["a.input_ids"]);
        Tensor logits = ModelFixture.Logits(model, fixture["a.input_ids"]);
        Close.Absolute(fixture["a.hidden_last"], hidden, Tolerance, $"{name} a.hidden_last");
        Close.Absolute(fixture["a.logits"], logits, Tolerance, $"{name} a.logits");
        Close.Absolute(fixture["a.loss"].item<float>(), Loss(logits, fixture["a.input_ids"]), Tolerance, $"{name} a.loss");
        Tensor right = ModelFixture.Logits(model, fixture["c.input_ids"]);
        Close.Absolute(fixture["c.logits"], right, Tolerance, $"{name} c.logits", fixture["c.attention_mask"]);
        Close.Absolute(fixture["c.loss"].item<float>(), Loss(right, fixture["c.labels"]), Tolerance, $"{name} c.loss");
    }

    [TestMethod]
    [DataRow("gpt2")]
    [DataRow("llama")]
    [DataRow("mistral")]
    [DataRow("qwen2")]
    [DataRow("llama_linear_rope")]
    [DataRow("llama3_rope")]
    public void The_first_block_gives_the_hidden_states_of_transformers(string name)
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel whole = HuggingFaceFolder.LoadModel(fixture.Folder);
        using CausalLanguageModel model = new(whole.Config with { LayerCount = 1 }, new CopiedWeights([.. whole.Weights()]));
        using var noGrad = no_grad();
        // a model of one block gives its states after the final norm only, so the expected ones go through that norm, written out here
        Tensor expected = Normalized(fixture["a.hidden_1"], whole);
        Close.Absolute(expected, model.Hidden(fixture["a.input_ids"]), Tolerance, $"{name} a.hidden_1");
    }

    [TestMethod]
    [DynamicData(nameof(ModelFixture.Decoders), typeof(ModelFixture))]
    public void Left_padding_counts_places_from_the_mask(string name)
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder);
        Tensor mask = fixture["b.attention_mask"];
        Tensor logits = ModelFixture.Logits(model, fixture["b.input_ids"], mask.to_type(ScalarType.Bool));
        if (fixture.Has("b.logits_posids")) // OPT and BLOOM count from the mask as it is
            Close.Absolute(fixture["b.logits_posids"], logits, Tolerance, $"{name} b.logits_posids", mask);
        if (!fixture.HasLearnedPositions) // others are relative: counting the padding as positions changes nothing
            Close.Absolute(fixture["b.logits"], logits, Tolerance, $"{name} b.logits", mask);
    }

    /// <summary>
    /// A plain forward of transformers counts padding on the left as positions, which this library never does. The same numbers come
    /// from the real tokens alone when the table of positions starts that much later.
    /// </summary>
    [TestMethod]
    [DynamicData(nameof(ModelFixture.Decoders), typeof(ModelFixture))]
    public void A_forward_that_counts_left_padding_is_a_forward_from_later_positions(string name)
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder);
        int row = 0, padded = 0;
        foreach ((long[] ids, int padding) in ModelFixture.LeftPadded(fixture["b.input_ids"], fixture["b.attention_mask"]))
        {
            using CausalLanguageModel later = model.Copy();
            ModelFixture.ShiftPositions(later.Weights(), padding);
            Tensor expected = fixture["b.logits"][row++].narrow(0, padding, ids.Length);
            Tensor logits = ModelFixture.Logits(later, tensor(ids).view(1, -1))[0];
            Close.Absolute(expected, logits, Tolerance, $"{name} b.logits by shifted positions");
            padded += padding;
        }
        Assert.AreNotEqual(0, padded, "some row is padded");
    }

    [TestMethod]
    [DynamicData(nameof(ModelFixture.Decoders), typeof(ModelFixture))]
    public void A_configuration_in_the_older_layout_gives_the_same_model(string name)
    {
        using ModelFixture fixture = new(name);
        string older = Directory.CreateTempSubdirectory().FullName;
        File.Copy(Path.Combine(fixture.Folder, "config_v4.json"), Path.Combine(older, "config.json"));
        File.Copy(Path.Combine(fixture.Folder, "model.safetensors"), Path.Combine(older, "model.safetensors"));
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(older);
        Directory.Delete(older, recursive: true);
        using CausalLanguageModel newer = HuggingFaceFolder.LoadModel(fixture.Folder);
        Tensor logits = ModelFixture.Logits(model, fixture["a.input_ids"]);
        Close.Absolute(fixture["a.logits"], logits, Tolerance, $"{name} a.logits, config_v4");
        Close.Absolute(ModelFixture.Logits(newer, fixture["a.input_ids"]), logits, 0, $"{name} config_v4 against config");
    }

    [TestMethod]
    [DataRow("gpt2_noprefix")]
    [DataRow("gpt2_bin")]
    [DataRow("llama_sharded")]
    [DataRow("llama_bf16")]
    [DataRow("gpt2_f16")]
    public void Other_ways_to_store_the_weights_give_the_same_logits(string name)
    {
        using ModelFixture fixture = new(name);
        using CausalLanguageModel model = HuggingFaceFolder.LoadModel(fixture.Folder);
        Close.Absolute(fixture["a.logits"], ModelFixture.Logits(model, fixture["a.input_ids"]), Tolerance, $"{name} a.logits");
    }

    [TestMethod]
    [DataRow("gpt2_seqcls1")]
    [DataRow("llama_seqcls1")]
    public void A_reward_model_scores_as_sequence_classification_does(string name)
    {
        using ModelFixture fixture = new(name);
        using RewardModel model = HuggingFaceFolder.LoadRewardModel(fixture.Folder);
        using var noGrad = no_grad();
        Close.Absolute(fixture["a.logits"], model.Score(fixture["a.input_ids"], [8, 8]).unsqueeze(-1), Tolerance, $"{name} a.logits");
        int[] lengths = [.. fixture["c.attention_mask"].sum(1).data<long>().Select(length => (int)length)];
        Close.Absolute(fixture["c.logits"], model.Score(fixture["c.input_ids"], lengths).unsqueeze(-1), Tolerance, $"{name} c.logits");
        int row = 0;
        foreach ((long[] ids, int padding) in ModelFixture.LeftPadded(fixture["b.input_ids"], fixture["b.attention_mask"]))
        {
            using RewardModel later = model.Copy();
            ModelFixture.ShiftPositions(later.Weights(), padding); // transformers counted the padding as positions
            Tensor score = later.Score(tensor(ids).view(1, -1), [ids.Length]);
            Close.Absolute(fixture["b.logits"][row++], score, Tolerance, $"{name} b.logits by shifted positions");
        }
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
        int row = 0;
        foreach ((long[] ids, int padding) in ModelFixture.LeftPadded(fixture["input_ids"], fixture["attention_mask"]))
        {
            using CausalLanguageModel later = model.Copy();
            ModelFixture.ShiftPositions(later.Weights(), padding); // TRL v0.11.4 counted the padding as positions
            Tensor hidden = later.Hidden(tensor(ids).view(1, -1));
            Close.Absolute(fixture["values"][row].narrow(0, padding, ids.Length), head.Values(hidden)[0], Tolerance, $"{name} values");
            Close.Absolute(fixture["logits"][row++].narrow(0, padding, ids.Length), later.Logits(hidden)[0], Tolerance, $"{name} logits");
        }
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
        Close.Absolute(fixture["a.logits"], logits, 0.25, $"{name} a.logits in bfloat16");
    }

    private static double Loss(Tensor logits, Tensor labels)
    {
        using var scope = NewDisposeScope();
        long vocabulary = logits.shape[^1];
        Tensor predictions = logits.narrow(1, 0, logits.shape[1] - 1).reshape(-1, vocabulary);
        return nn.functional.cross_entropy(predictions, labels.narrow(1, 1, labels.shape[1] - 1).reshape(-1)).item<float>();
    }

    private static Tensor Normalized(Tensor hidden, CausalLanguageModel model)
    {
        Dictionary<string, Tensor> weights = model.Weights().ToDictionary(weight => weight.Name, weight => weight.Value);
        if (weights.TryGetValue("transformer.ln_f.weight", out Tensor? weight))
        {
            Tensor centred = hidden - hidden.mean([-1], keepdim: true);
            return (centred / RootMeanSquare(centred) * weight) + weights["transformer.ln_f.bias"];
        }
        return hidden / RootMeanSquare(hidden) * weights["model.norm.weight"];

        Tensor RootMeanSquare(Tensor x) => (x.square().mean([-1], keepdim: true) + model.Config.NormEpsilon).sqrt();
    }
}
