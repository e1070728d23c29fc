using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>Mixtures of experts against loops over tokens in double, and against dense models of the reference.</summary>
[TestClass]
public sealed class MixtureOfExpertsTests
{
    private const int Width = 6, Inner = 5, Tokens = 9;

    [TestMethod]
    [DataRow(4, 2, true, false)]
    [DataRow(5, 3, false, true)]
    [DataRow(7, 1, false, false)]
    [DataRow(3, 3, true, true)]
    public void A_layer_gives_what_a_loop_over_its_tokens_gives(int experts, int perToken, bool normalizes, bool hasShared)
    {
        using MixtureOfExperts layer = Layer(experts, perToken, normalizes, hasShared);
        using var scope = NewDisposeScope();
        Tensor x = randn(Tokens, Width, generator: new Generator(5));
        double[][] given = Rows(x);
        double[] expected = [.. given.SelectMany(token => ByHand(layer, token, perToken, normalizes, hasShared))];
        Close.Relative(expected, [.. layer.forward(x).data<float>().Select(value => (double)value)], 1e-6, "mixture of experts");
        Tensor one = layer.forward(x.narrow(0, 3, 1));
        double[] alone = [.. one.data<float>().Select(value => (double)value)];
        Close.Relative(ByHand(layer, given[3], perToken, normalizes, hasShared), alone, 1e-6, "a single token");
        Assert.AreEqual(0, layer.forward(x.narrow(0, 0, 0)).NumberOfElements);
    }

    [TestMethod]
    public void Gradients_are_those_of_finite_differences()
    {
        using MixtureOfExperts layer = Layer(4, 2, normalizes: true, hasShared: true);
        using var scope = NewDisposeScope();
        layer.to(ScalarType.Float64);
        Generator rng = new(6);
        Tensor x = randn(Tokens, Width, generator: rng).to_type(ScalarType.Float64).requires_grad_();
        Tensor slope = randn(Tokens, Width, generator: rng).to_type(ScalarType.Float64);
        Tensor Loss() => (layer.forward(x) * slope).sum();
        Loss().backward();
        List<(string Name, Tensor Value)> parameters =
            [.. layer.named_parameters().Select(pair => (pair.name, (Tensor)pair.parameter)), ("x", x)];
        using var noGrad = no_grad();
        foreach ((string name, Tensor value) in parameters)
        {
            Tensor direction = randn(value.shape, generator: rng).to_type(ScalarType.Float64);
            const double Step = 1e-5;
            double Moved(double step)
            {
                value.add_(direction, step);
                double loss = Loss().item<double>();
                value.sub_(direction * step);
                return loss;
            }
            double expected = (Moved(Step) - Moved(-Step)) / (2 * Step);
            double actual = value.grad is null ? 0 : (value.grad * direction).sum().item<double>();
            Close.Absolute(expected, actual, 1e-6 * Math.Max(1, Math.Abs(expected)), name);
        }
    }

    [TestMethod]
    public void An_expert_without_tokens_takes_no_part()
    {
        using MixtureOfExperts layer = Layer(4, 2, normalizes: true, hasShared: false);
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> weights = layer.named_parameters().ToDictionary(pair => pair.name, pair => (Tensor)pair.parameter);
        using (no_grad())
        {
            weights["gate.weight"].zero_();
            weights["gate.weight"][1, 0] = 5; // tokens with a positive first entry go to expert 1 and then, by number, to 0, 2 or 3
            weights["gate.weight"][3, 0] = 4;
            weights["experts.0.w1.weight"].fill_(float.NaN);
            weights["experts.2.w2.weight"].fill_(float.NaN);
        }
        Tensor x = rand(Tokens, Width, generator: new Generator(5)) + 0.1;
        Tensor y = layer.forward(x);
        Assert.IsTrue(y.isfinite().all().item<bool>());
        y.sum().backward();
        CollectionAssert.AreEquivalent(
            new[] { "gate.weight", "experts.1.w1.weight", "experts.1.w2.weight", "experts.1.w3.weight", "experts.3.w1.weight",
                "experts.3.w2.weight", "experts.3.w3.weight" },
            weights.Where(weight => weight.Value.grad is not null).Select(weight => weight.Key).ToArray());
    }

    /// <summary>Experts that are all the dense model's feed-forward layer give, weights adding up to 1, what that gives.</summary>
    [TestMethod]
    [DataRow("mistral", "mixtral", "block_sparse_moe", "w1 w3 w2", "\"num_local_experts\": 3")]
    [DataRow("qwen2", "qwen2_moe", "mlp", "gate_proj up_proj down_proj", "\"num_experts\": 3, \"norm_topk_prob\": true")]
    [DataRow("qwen3", "qwen3_moe", "mlp", "gate_proj up_proj down_proj", "\"num_experts\": 3, \"norm_topk_prob\": true")]
    public void Equal_experts_are_the_dense_model_of_the_reference(string dense, string family, string layer, string names, string settings)
    {
        using ModelFixture fixture = new(dense);
        using CausalLanguageModel known = HuggingFaceFolder.LoadModel(fixture.Folder);
        string json = File.ReadAllText(Path.Combine(fixture.Folder, "config.json"))
            .Replace($"\"model_type\": \"{dense}\",", $"\"model_type\": \"{family}\", {settings}, \"num_experts_per_tok\": 2,");
        ModelConfig config = ModelConfig.Parse(json, family);
        config = config with
        {
            Experts = config.Experts! with
            {
                Width = known.Config.IntermediateSize,
                SharedWidth = family == "qwen2_moe" ? known.Config.IntermediateSize : null,
            },
        };
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        string[] ours = names.Split(' '), theirs = ["gate_proj", "up_proj", "down_proj"];
        IEnumerable<(string, Tensor)> Spread((string Name, Tensor Value) weight) =>
            Array.FindIndex(theirs, name => weight.Name.Contains($".mlp.{name}.")) is >= 0 and int part
                ? new[] { "experts.0", "experts.1", "experts.2", "shared_expert" }.Select(expert => (
                    weight.Name.Replace($".mlp.{theirs[part]}.", $".{layer}.{expert}.{ours[part]}."),
                    expert == "shared_expert" ? weight.Value * 0 : weight.Value))
                : [weight];
        using RandomWeights router = new(1);
        using CausalLanguageModel model = new(config, new CopiedWeights([.. known.Weights().SelectMany(Spread)], router));
        model.eval();
        Close.Absolute(fixture["a.logits"], ModelFixture.Logits(model, fixture["a.input_ids"]), 1e-4, $"{family} of {dense} a.logits");
    }

    [TestMethod]
    public void The_weights_of_published_models_are_counted_exactly()
    {
        // 32 blocks of 4096² · 2 + 4096 · 1024 · 2 (attention) + 8 · 3 · 4096 · 14336 (experts) + 4096 · 8 (router) + 2 · 4096 (norms);
        // around them 2 · 32000 · 4096 + 4096
        ModelConfig mixtral = ModelConfig.Parse("""{"model_type": "mixtral"}""", "Mixtral-8x7B");
        Assert.AreEqual((Int128)46_702_792_704, ModelSize.Of(mixtral));
        Assert.AreEqual(
            (Int128)((32 * ((2L * 4096 * 4096) + (2 * 4096 * 1024) + (8 * 3L * 4096 * 14_336) + (4096 * 8) + (2 * 4096)))
                + (2L * 32_000 * 4096) + 4096),
            ModelSize.Of(mixtral));
        ModelConfig qwen = ModelConfig.Parse("""{"model_type": "qwen2_moe"}""", "Qwen1.5-MoE-A2.7B");
        Assert.AreEqual((Int128)14_315_784_192, ModelSize.Of(qwen));
        // Qwen3-30B-A3B: 48 blocks; 30,532,122,624 weights by its model card's index
        ModelConfig qwen3 = ModelConfig.Parse(
            """
            {"model_type": "qwen3_moe", "num_hidden_layers": 48, "head_dim": 128, "norm_topk_prob": true, "num_attention_heads": 32}
            """,
            "Qwen3-30B-A3B");
        Assert.AreEqual((Int128)30_532_122_624, ModelSize.Of(qwen3));
    }

    [TestMethod]
    [DynamicData(nameof(MadeModels.All), typeof(MadeModels))]
    public void Weights_are_counted_without_making_them(string name)
    {
        using CausalLanguageModel model = MadeModels.Create(name);
        Assert.AreEqual((Int128)model.ParameterCount, ModelSize.Of(model.Config));
        if (model.Config.Experts is null)
            return;
        ModelConfig mixed = MadeModels.Config(name) with { LayerCount = 5, WindowedLayers = [] };
        mixed = mixed with { Experts = mixed.Experts! with { SparseStep = 2, DenseLayers = [3, 3, 0, 9] } };
        using CausalLanguageModel larger = CausalLanguageModel.Create(mixed, 1);
        Assert.AreEqual((Int128)larger.ParameterCount, ModelSize.Of(mixed));
        Assert.AreEqual(1, larger.Weights().Count(weight => weight.Name.EndsWith(".gate.weight", StringComparison.Ordinal)));
    }

    private static MixtureOfExperts Layer(int experts, int perToken, bool normalizes, bool hasShared)
    {
        using RandomWeights weights = new(4);
        Initializer initializer = Initializer.Normal(0.7);
        WeightPath at = new(weights, "moe");
        ILinear Linear(string name, long inputs, long outputs) => at.Linear(name, inputs, outputs, initializer, hasBias: false);
        GatedFeedForward Expert(string name) => new(
            name, Activations.Named("silu"), Linear($"{name}.w1", Width, Inner), Linear($"{name}.w3", Width, Inner),
            Linear($"{name}.w2", Inner, Width));
        ExpertSettings settings = new()
        {
            Names = new ExpertNames("moe", "w1", "w3", "w2"),
            CountKey = "num_experts",
            Count = experts,
            PerToken = perToken,
            Width = Inner,
            NormalizesWeights = normalizes,
        };
        return new MixtureOfExperts(
            settings, Linear("gate", Width, experts), [.. Enumerable.Range(0, experts).Select(expert => Expert($"experts.{expert}"))],
            hasShared ? new SharedExpert(Expert("shared_expert"), Linear("shared_expert_gate", Width, 1)) : null);
    }

    private static double[] ByHand(MixtureOfExperts layer, double[] token, int perToken, bool normalizes, bool hasShared)
    {
        Dictionary<string, double[][]> weights = layer.named_parameters().ToDictionary(pair => pair.name, pair => Rows(pair.parameter));
        double[] logits = Times(weights["gate.weight"], token), exponentials = [.. logits.Select(Math.Exp)];
        int[] chosen = [.. Enumerable.Range(0, logits.Length).OrderByDescending(expert => logits[expert]).Take(perToken)];
        double sum = normalizes ? chosen.Sum(expert => exponentials[expert]) : exponentials.Sum();
        double[] result = new double[Width];
        foreach (int expert in chosen)
            Add($"experts.{expert}", exponentials[expert] / sum);
        if (hasShared)
            Add("shared_expert", 1 / (1 + Math.Exp(-Times(weights["shared_expert_gate.weight"], token)[0])));
        return result;

        void Add(string name, double weight)
        {
            double[] gate = Times(weights[$"{name}.w1.weight"], token), up = Times(weights[$"{name}.w3.weight"], token);
            double[] inner = [.. gate.Zip(up, (g, u) => g / (1 + Math.Exp(-g)) * u)], given = Times(weights[$"{name}.w2.weight"], inner);
            for (int i = 0; i < Width; i++)
                result[i] += weight * given[i];
        }
    }

    private static double[] Times(double[][] matrix, double[] vector) => [.. matrix.Select(row => row.Zip(vector, (a, b) => a * b).Sum())];

    private static double[][] Rows(Tensor matrix)
    {
        using var scope = NewDisposeScope();
        float[] values = matrix.detach().data<float>().ToArray();
        return [.. values.Select(value => (double)value).Chunk((int)matrix.shape[1])];
    }
}
