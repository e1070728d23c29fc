using System.Text.Json.Nodes;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>
/// A configuration that asks for more than its weights hold, or more than any machine has, is refused before memory is asked for.
/// </summary>
[TestClass]
public sealed class ConfigurationLimitTests
{
    private readonly string _folder = Directory.CreateTempSubdirectory("trl-").FullName;

    [TestCleanup]
    public void Clean() => Directory.Delete(_folder, recursive: true);

    [TestMethod]
    [DataRow("gpt2", "n_layer", "200", "has 200 layers, but the weights hold 2 (transformer.h.0, transformer.h.1, ...)")]
    [DataRow("gpt2", "n_layer", "2000000000", "has 2000000000 layers, but the weights hold 2 ")]
    [DataRow("llama", "num_hidden_layers", "2000000000", "has 2000000000 layers, but the weights hold 2 (model.layers.0, ")]
    [DataRow("gpt2", "vocab_size", "2000000000", "transformer.wte.weight [256, 32] instead of [2000000000, 32]")]
    [DataRow("llama", "vocab_size", "2000000000", "model.embed_tokens.weight [256, 32] instead of [2000000000, 32]")]
    [DataRow("gpt2", "n_embd", "1000000000", "transformer.wte.weight [256, 32] instead of [256, 1000000000]")]
    [DataRow("gpt2", "n_embd", "1000000000", "h.0.attn.c_attn.weight [32, 96] instead of [1000000000, 3000000000]")]
    [DataRow("llama", "hidden_size", "2000000000", "model.embed_tokens.weight [256, 32] instead of [256, 2000000000]")]
    [DataRow("gpt2", "n_positions", "2000000000", "transformer.wpe.weight [128, 32] instead of [2000000000, 32]")]
    [DataRow("llama", "intermediate_size", "2000000000", "mlp.gate_proj.weight [88, 32] instead of [2000000000, 32]")]
    [DataRow("llama", "num_attention_heads", "2000000000", "self_attn.q_proj.weight [32, 32] instead of [16000000000, 32]")]
    [DataRow("mixtral", "num_local_experts", "2000000000", "has 2000000000 experts (num_local_experts), but the weights hold 4 (")]
    [DataRow("qwen2_moe", "num_experts", "2000000000", "has 2000000000 experts (num_experts), but the weights hold 5 (")]
    [DataRow("qwen2_moe", "moe_intermediate_size", "2000000000", "gate_proj.weight [20, 32] instead of [2000000000, 32]")]
    [DataRow("llama", "head_dim", "2000000000", "the head size is 2000000000; rotary positions allow an even number from 2 to 65536")]
    public void A_size_beyond_the_stored_weights_is_refused_with_both_numbers(string model, string key, string value, string message)
    {
        Copy(model, json => json[key] = JsonNode.Parse(value));
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => HuggingFaceFolder.LoadModel(_folder)).Message, message);
    }

    [TestMethod]
    public void A_windowed_model_of_absurd_depth_is_refused_too()
    {
        Copy("qwen2", json =>
        {
            json["use_sliding_window"] = true;
            json.Remove("layer_types");
            json["num_hidden_layers"] = 2_000_000_000;
        });
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => HuggingFaceFolder.LoadModel(_folder)).Message,
            "has 2000000000 layers, but the weights hold 2 ");
    }

    [TestMethod]
    public void A_reward_model_and_a_value_head_are_checked_alike()
    {
        Copy("gpt2_seqcls1", json => json["n_layer"] = 2_000_000_000);
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => HuggingFaceFolder.LoadRewardModel(_folder)).Message,
            "has 2000000000 layers, but the weights hold 2 ");
        using ValueHead head = ValueHead.Create(32, 1);
        HuggingFaceFolder.Save(_folder, head);
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => HuggingFaceFolder.LoadValueHead(_folder, 2_000_000_000)).Message,
            "v_head.summary.weight [1, 32] instead of [1, 2000000000]");
    }

    [TestMethod]
    public void Fresh_models_larger_than_any_machine_are_refused()
    {
        // By hand, LLaMA of width 16: a block has 4 * 16 * 16 (attention) + 3 * 16 * 48 (feed-forward) + 2 * 16 (norms) = 3360 weights;
        // around the blocks are 2 * 100 * 16 (tokens, projection) + 16 (norm) = 3216.
        ModelConfig deep = ModelConfig.Llama(100, 16, 2_000_000_000, 2, 32);
        string message = Assert.ThrowsExactly<ArgumentException>(() => CausalLanguageModel.Create(deep, 1)).Message;
        StringAssert.Contains(message, "has 6,720,000,003,216 weights (vocabulary 100, width 16, layers 2000000000)");
        StringAssert.Contains(message, "26,880 GB in float32");
        Assert.ThrowsExactly<ArgumentException>(() => RewardModel.Create(deep, 1));
        foreach (ModelConfig wide in new[]
        {
            ModelConfig.Gpt2(2_000_000_000, 1_000_000_000, 2, 2, 32),
            ModelConfig.Llama(100, 2_000_000_000, 1, 40_000, 32),
            ModelConfig.Parse("""{"model_type": "mixtral", "num_local_experts": 2000000000}""", "many experts"),
        })
            StringAssert.Contains(
                Assert.ThrowsExactly<ArgumentException>(() => CausalLanguageModel.Create(wide, 1)).Message, "GB in float32");
    }

    [TestMethod]
    public void The_weights_of_a_configuration_are_counted_without_making_them()
    {
        foreach (ModelConfig config in new[]
        {
            ModelConfig.Gpt2(50, 32, 3, 4, 64), ModelConfig.Llama(50, 32, 1, 4, 64, keyValueHeads: 2),
            ModelConfig.Llama(50, 32, 4, 4, 64, tieWordEmbeddings: true),
        })
        {
            using CausalLanguageModel model = CausalLanguageModel.Create(config, 1);
            Assert.AreEqual((Int128)model.ParameterCount, ModelSize.Of(config));
        }
    }

    [TestMethod]
    [DynamicData(nameof(MadeModels.AllDecoders), typeof(MadeModels))]
    public void Any_value_of_a_configuration_may_be_spoilt_and_is_either_read_or_refused(string model)
    {
        List<string> wrong = [];
        Copy(model, _ => { });
        string whole = File.ReadAllText(Path.Combine(_folder, "config.json"));
        foreach ((string what, string json) in Spoilt.Variants(whole))
        {
            File.WriteAllText(Path.Combine(_folder, "config.json"), json);
            try
            {
                HuggingFaceFolder.LoadModel(_folder).Dispose();
            }
            catch (Exception refused) when (refused is InvalidDataException or NotSupportedException)
            {
                Assert.AreNotEqual("", refused.Message);
            }
            catch (Exception other)
            {
                wrong.Add($"{what} gives {other.GetType().Name}: {other.Message}");
            }
        }
        Assert.AreEqual("", string.Join('\n', wrong));
    }

    private void Copy(string model, Action<JsonObject> change)
    {
        if (MadeModels.All.Any(made => made[0].Equals(model)))
            using (CausalLanguageModel made = MadeModels.Create(model))
                HuggingFaceFolder.Save(_folder, made);
        else
            foreach (string file in Directory.GetFiles(Fixtures.Path("models", model)))
                File.Copy(file, Path.Combine(_folder, Path.GetFileName(file)));
        string path = Path.Combine(_folder, "config.json");
        JsonObject json = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
        change(json);
        File.WriteAllText(path, json.ToJsonString());
    }
}
