using Microsoft.ML.Trl.Tests.Numerics;
using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Adapters;

/// <summary>What is trained with an adapter, and its gradients against central differences in float64.</summary>
[TestClass]
public sealed class LoraGradientTests
{
    public static IEnumerable<object[]> Kinds { get; } =
    [
        ["plain", new LoraOptions { R = 2, LoraAlpha = 3, InitLoraWeights = LoraInitialization.Random }],
        ["rslora", new LoraOptions { R = 2, LoraAlpha = 3, UseRslora = true, InitLoraWeights = LoraInitialization.Random }],
        ["gaussian", new LoraOptions { R = 2, LoraAlpha = 3, InitLoraWeights = LoraInitialization.Gaussian }],
        ["pissa", new LoraOptions { R = 2, LoraAlpha = 3, InitLoraWeights = LoraInitialization.Pissa }],
        ["biases", new LoraOptions { R = 2, Bias = LoraBias.All, InitLoraWeights = LoraInitialization.Random }],
        ["own biases", new LoraOptions { R = 2, Bias = LoraBias.LoraOnly, InitLoraWeights = LoraInitialization.Random }],
        ["a module", new LoraOptions { R = 2, ModulesToSave = ["ln_f"], InitLoraWeights = LoraInitialization.Random }],
    ];

    [TestMethod]
    [DynamicData(nameof(Kinds))]
    public void Gradients_are_the_central_differences_of_the_loss(string kind, LoraOptions options)
    {
        using var scope = NewDisposeScope();
        using CausalLanguageModel model = Model();
        model.AddAdapter(options, seed: 3);
        Tensor ids = tensor(new long[,] { { 1, 2, 3, 4 }, { 5, 1, 0, 2 } });
        Tensor Loss() => model.Logits(model.Hidden(ids)).square().mean();
        Loss().backward();
        (string Name, Tensor Value)[] trained = [.. model.named_parameters().Where(pair => pair.parameter.requires_grad)
            .Select(pair => (pair.name, (Tensor)pair.parameter))];
        Assert.IsNotEmpty(trained);
        foreach ((string name, Tensor weight) in trained)
        {
            Close.Absolute(Slope(weight, Loss), weight.grad!, 1e-6, $"{kind} {name}");
        }
        Assert.IsTrue(model.parameters().Where(weight => !weight.requires_grad).All(weight => weight.grad is null));
    }

    /// <summary>
    /// DoRA holds the lengths of the rows constant for the gradient of A and B, so only the magnitude's is the whole slope.
    /// </summary>
    [TestMethod]
    public void The_gradient_of_a_magnitude_is_the_central_difference()
    {
        using var scope = NewDisposeScope();
        using CausalLanguageModel model = Model();
        model.AddAdapter(new LoraOptions { R = 2, UseDora = true, InitLoraWeights = LoraInitialization.Random }, seed: 3);
        Tensor ids = tensor(new long[,] { { 1, 2, 3, 4 } });
        Tensor Loss() => model.Logits(model.Hidden(ids)).square().mean();
        Loss().backward();
        foreach ((string name, TorchSharp.Modules.Parameter weight) in model.named_parameters())
        {
            if (!name.EndsWith("lora_magnitude_vector", StringComparison.Ordinal))
                continue;
            Close.Absolute(Slope(weight, Loss), weight.grad!, 1e-6, name);
        }
    }

    /// <summary>The central difference of a loss by a weight, which is as before afterwards.</summary>
    private static Tensor Slope(Tensor weight, Func<Tensor> loss) => FiniteDifferences.Of(weight, moved =>
    {
        using Tensor kept = weight.detach().clone();
        weight.copy_(moved);
        double value = loss().item<double>();
        weight.copy_(kept);
        return value;
    });

    private static CausalLanguageModel Model()
    {
        ModelConfig config = ModelConfig.Gpt2(vocabularySize: 7, hiddenSize: 4, layers: 2, heads: 2, contextLength: 8);
        using CausalLanguageModel narrow = CausalLanguageModel.Create(config, 5);
        using var frozen = no_grad();
        using Generator rng = new(9);
        foreach ((_, Tensor weight) in narrow.Weights())
            weight.add_(empty_like(weight).normal_(0, 0.3, rng));
        return narrow.Copy(type: ScalarType.Float64);
    }
}
