using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>
/// Attention by libtorch's fused operator against the composed form, which dropout needs; 1e-5 relative to the largest entry.
/// </summary>
[TestClass]
public sealed class AttentionTests
{
    private const int Width = 24;
    private const int HeadSize = 8;

    [TestMethod]
    [DataRow(4, 4, 7, null, false, 1.0)]
    [DataRow(4, 4, 7, null, true, 1.0)]
    [DataRow(4, 4, 7, null, false, 0.5, DisplayName = "another scale")]
    [DataRow(4, 2, 7, null, false, 1.0)]
    [DataRow(4, 1, 7, null, true, 1.0)]
    [DataRow(4, 2, 9, 3, false, 1.0)]
    [DataRow(4, 2, 9, 3, true, 1.0)]
    [DataRow(2, 2, 1, null, false, 1.0)]
    [DataRow(4, 2, 70, null, true, 1.0)]
    public void Fused_and_composed_attention_agree_gradients_included(
        int heads, int shared, int length, int? window, bool isPadded, double factor)
    {
        using var scope = NewDisposeScope();
        AttentionShape shape = new(0, heads, shared, HeadSize, factor / Math.Sqrt(HeadSize), window);
        Tensor x = randn(3 * length, Width, generator: new Generator(1));
        Tensor slope = randn(3 * length, Width, generator: new Generator(2));
        (Tensor value, Tensor[] gradients) = Differentiate(shape, x, slope, length, isPadded, isComposed: false);
        (Tensor expected, Tensor[] expectedGradients) = Differentiate(shape, x, slope, length, isPadded, isComposed: true);
        Close.Relative(expected, value, 1e-5, "value");
        for (int i = 0; i < gradients.Length; i++)
            Close.Relative(expectedGradients[i], gradients[i], 2e-5, $"gradient {i}");
    }

    [TestMethod]
    [DataRow(4, null)]
    [DataRow(2, null)]
    [DataRow(2, 3)]
    public void One_more_token_through_the_cache_is_the_last_of_all(int shared, int? window)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        ModelConfig config = ModelConfig.Llama(10, Width, 1, 4, 32, keyValueHeads: shared) with { HeadSize = HeadSize };
        using CausalLanguageModel model = CausalLanguageModel.Create(config with { SlidingWindow = window }, 3);
        model.eval();
        Tensor ids = tensor(new long[] { 1, 2, 3, 4, 5, 6, 7, 8, 9, 8, 7, 6 }).view(2, 6);
        Tensor whole = model.Hidden(ids);
        using KeyValueCache cache = new(model.Body, 2, 6);
        for (int i = 0; i < 6; i++)
            Close.Absolute(whole.narrow(1, i, 1), model.Hidden(ids.narrow(1, i, 1), null, cache), 1e-5, $"token {i}");
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void In_bfloat16_the_numbers_stay_near(bool isPadded)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        foreach (ModelConfig config in new[] { ModelConfig.Gpt2(40, 32, 2, 4, 32), ModelConfig.Llama(40, 32, 2, 4, 32, keyValueHeads: 2) })
        {
            using CausalLanguageModel wide = CausalLanguageModel.Create(config with { InitializerRange = 0.2 }, 3);
            using CausalLanguageModel narrow = wide.Copy(type: ScalarType.BFloat16);
            Tensor ids = arange(2, 14, ScalarType.Int64).view(2, 6);
            Tensor? mask = isPadded ? tensor(new[] { 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1 }).view(2, 6).to_type(ScalarType.Bool) : null;
            Tensor expected = wide.Hidden(ids, mask).narrow(1, 2, 4), actual = narrow.Hidden(ids, mask).narrow(1, 2, 4);
            Assert.AreEqual(ScalarType.BFloat16, actual.dtype);
            Close.Absolute(expected, actual, 0.1, config.ModelType);
        }
    }

    private static (Tensor Value, Tensor[] Gradients) Differentiate(
        AttentionShape shape, Tensor rows, Tensor slope, int length, bool isPadded, bool isComposed)
    {
        using RandomWeights weights = new(5);
        WeightPath at = new(weights, "attn");
        int narrow = shape.KeyValueHeads * HeadSize, wide = shape.Heads * HeadSize;
        Initializer normal = Initializer.Normal(0.3);
        ILinear Input(string name, int outputs) => at.Linear(name, Width, outputs, normal, hasBias: true);
        QueryKeyValue inputs = shape.Heads == shape.KeyValueHeads
            ? new PackedProjection(at.Linear("qkv", Width, 3 * wide, normal, hasBias: true, WeightLayout.InputsByOutputs), wide, wide)
            : new SeparateProjections(Input("q", wide), Input("k", narrow), Input("v", narrow));
        Positions positions = new HalvedRotary(new RopeSettings(), HeadSize, CPU);
        using Attention attention = new("attn", shape, inputs, at.Linear("out", wide, Width, normal, true), positions);
        using Generator rng = new(1);
        attention.Dropout = isComposed ? new Dropout(1e-12, rng) : Dropout.None; // drops nothing, but takes the composed way
        attention.train();
        Tensor x = rows.clone().requires_grad_();
        Tensor value = attention.Forward(x, Pattern(length, isPadded), null);
        autograd.backward(value, slope);
        Tensor[] gradients = [x.grad!, .. attention.parameters().Select(parameter => parameter.grad!.clone())];
        positions.Dispose();
        return (value.detach(), gradients);
    }

    private static AttentionPattern Pattern(int length, bool isPadded)
    {
        Tensor ids = zeros(3, length, ScalarType.Int64);
        Tensor mask = ones(3, length, ScalarType.Bool);
        for (int row = 1; row < 3; row++)
            mask.select(0, row).narrow(0, 0, Math.Min(length - 1, 2 * row)).fill_(false);
        return AttentionPattern.Create(ids, isPadded ? mask : null, 0, ModelConfig.Gpt2(16, 8, 1, 1, length));
    }
}
