using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

[TestClass]
public sealed class ModelTests
{
    private static ModelConfig Small => ModelConfig.Gpt2(300, 64, 3, 4, 32);

    [TestMethod]
    public void Fresh_configurations_have_the_defaults_of_transformers()
    {
        // GPT2Config: embd_pdrop, attn_pdrop, resid_pdrop 0.1, layer_norm_epsilon 1e-5.
        // LlamaConfig: attention_dropout 0, rms_norm_eps 1e-6.
        ModelConfig gpt2 = ModelConfig.Gpt2(300, 64, 3, 4, 32), llama = ModelConfig.Llama(300, 64, 3, 4, 32);
        Assert.AreEqual((0.1, 0.1, 0.1), (gpt2.EmbeddingDropout, gpt2.AttentionDropout, gpt2.ResidualDropout));
        Assert.AreEqual((0.0, 0.0, 0.0), (llama.EmbeddingDropout, llama.AttentionDropout, llama.ResidualDropout));
        Assert.AreEqual((0.02, 0.02), (gpt2.InitializerRange, llama.InitializerRange));
        Assert.AreEqual((1e-5, 1e-6), (gpt2.NormEpsilon, llama.NormEpsilon));
        Assert.AreEqual(("gelu_new", "silu"), (gpt2.Activation, llama.Activation));
        Assert.AreEqual(0.3, ModelConfig.Gpt2(300, 64, 3, 4, 32, dropout: 0.3).Dropout);
        StringAssert.Contains(
            Assert.ThrowsExactly<InvalidDataException>(() => ModelConfig.Gpt2(300, 64, 3, 4, 32, dropout: 1)).Message,
            "Gpt2: the embedding dropout is 1; it must be at least 0 and below 1");
    }

    [TestMethod]
    public void Fresh_weights_are_drawn_as_transformers_does()
    {
        using var scope = NewDisposeScope();
        using CausalLanguageModel model = CausalLanguageModel.Create(Small, 1);
        foreach ((string name, Tensor value) in model.Weights())
        {
            (double mean, double deviation) = (value.mean().item<float>(), value.std().item<float>());
            double expected = name switch
            {
                _ when name.EndsWith(".bias", StringComparison.Ordinal) || name.Contains("ln_", StringComparison.Ordinal) => 0,
                _ when name.EndsWith("c_proj.weight", StringComparison.Ordinal) => 0.02 / Math.Sqrt(6),
                _ => 0.02,
            };
            Close.Absolute(expected, deviation, 0.1 * expected, name);
            bool isNormWeight = name.Contains("ln_", StringComparison.Ordinal) && name.EndsWith("weight", StringComparison.Ordinal);
            Close.Absolute(isNormWeight ? 1 : 0, mean, 0.002, name);
        }
    }

    [TestMethod]
    public void The_same_seed_gives_the_same_model_and_another_seed_another()
    {
        using CausalLanguageModel first = CausalLanguageModel.Create(Small, 1);
        using CausalLanguageModel second = CausalLanguageModel.Create(Small, 1);
        using CausalLanguageModel third = CausalLanguageModel.Create(Small, 2);
        Assert.IsTrue(AreEqual(first, second));
        Assert.IsFalse(AreEqual(first, third));
    }

    [TestMethod]
    public void A_copy_is_equal_and_shares_nothing()
    {
        using CausalLanguageModel model = CausalLanguageModel.Create(Small, 1);
        using CausalLanguageModel copy = model.Copy();
        Assert.IsTrue(AreEqual(model, copy));
        using (var noGrad = no_grad())
        using (var scope = NewDisposeScope())
            copy.HeadWeight.add_(1);
        Assert.IsFalse(AreEqual(model, copy));
        Assert.AreSame(copy.Body.TokenEmbedding, copy.HeadWeight, "tied embeddings stay tied");
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void A_model_that_was_converted_reads_with_the_converted_weights(bool isLlama)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        ModelConfig config = isLlama ? ModelConfig.Llama(300, 64, 2, 4, 32, keyValueHeads: 2) : Small;
        using CausalLanguageModel model = CausalLanguageModel.Create(config, 1);
        Tensor ids = randint(0, 300, [2, 9], int64), expected = model.Logits(model.Body.Hidden(ids));
        model.to(float64);
        Tensor wide = model.Logits(model.Body.Hidden(ids));
        Assert.AreEqual(float64, wide.dtype);
        Close.Absolute(0, (wide - expected).abs().max().item<double>(), 1e-5);
        model.to(float32);
        Assert.AreEqual(0, (model.Logits(model.Body.Hidden(ids)) - expected).abs().max().item<float>());
        Assert.IsTrue(model.parameters().All(weight => !weight.IsInvalid));
    }

    [TestMethod]
    public void Weights_are_counted_once_under_their_checkpoint_names()
    {
        using CausalLanguageModel tied = CausalLanguageModel.Create(Small, 1);
        using CausalLanguageModel untied = CausalLanguageModel.Create(
            ModelConfig.Llama(300, 64, 1, 4, 32, keyValueHeads: 2, intermediateSize: 96), 1);
        Assert.AreEqual((300 * 64) + (32 * 64) + (3 * ((12 * 64 * 64) + (13 * 64))) + (2 * 64), tied.ParameterCount);
        Assert.AreEqual((2 * 300 * 64) + (64 * 64 * 2) + (64 * 32 * 2) + (3 * 64 * 96) + (3 * 64), untied.ParameterCount);
        CollectionAssert.Contains(untied.Weights().Select(weight => weight.Name).ToArray(), "lm_head.weight");
        CollectionAssert.Contains(tied.Weights().Select(weight => weight.Name).ToArray(), "transformer.h.2.attn.c_attn.weight");
    }

    [TestMethod]
    public void A_reward_model_begins_with_the_policys_decoder()
    {
        using CausalLanguageModel policy = CausalLanguageModel.Create(ModelConfig.Llama(300, 64, 1, 4, 32), 1);
        using RewardModel reward = RewardModel.FromPolicy(policy, 2);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor ids = tensor(new long[] { 1, 2, 3, 4, 5, 6 }).view(2, 3);
        Close.Absolute(policy.Hidden(ids), reward.Body.Hidden(ids), 0);
        Tensor hidden = policy.Hidden(ids);
        Tensor expected = stack([hidden[0, 1], hidden[1, 2]]).matmul(reward.ScoreWeight.t());
        Close.Absolute(expected, reward.Score(ids, [2, 3]).unsqueeze(-1), 1e-6);
        StringAssert.Contains(Assert.ThrowsExactly<ArgumentException>(() => reward.Score(ids, [2, 4])).Message, "from 1 to 3");
    }

    [TestMethod]
    public void A_value_head_gives_one_number_per_token()
    {
        using ValueHead head = ValueHead.Create(8, 1);
        using var scope = NewDisposeScope();
        Tensor hidden = randn(2, 3, 8, generator: new Generator(1));
        Tensor values = head.Values(hidden);
        CollectionAssert.AreEqual(new long[] { 2, 3 }, values.shape);
        (_, Tensor weight) = head.Weights().First();
        (_, Tensor bias) = head.Weights().Last();
        Close.Absolute((hidden[1, 2] * weight[0]).sum() + bias[0], values[1, 2], 1e-5);
        Close.Below((1 / Math.Sqrt(8)) + 1e-7, weight.abs().max().item<float>());
    }

    private static bool AreEqual(CausalLanguageModel first, CausalLanguageModel second)
    {
        using var scope = NewDisposeScope();
        return first.Weights().Zip(second.Weights()).All(
            pair => pair.First.Name == pair.Second.Name && pair.First.Value.equal(pair.Second.Value).all().item<bool>());
    }
}
