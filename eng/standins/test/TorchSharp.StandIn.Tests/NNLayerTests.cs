using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharpStandIn.Tests;

/// <summary>Layers against numbers by hand.</summary>
[TestClass]
public sealed class NNLayerTests
{
    [TestMethod]
    public void linear()
    {
        using DisposeScope scope = NewDisposeScope();
        using Linear layer = Linear(2, 3);
        layer.weight = new Parameter(tensor(new float[] { 1, 2, 3, 4, 5, 6 }).reshape(3, 2));
        layer.bias = new Parameter(tensor(new float[] { 10, 20, 30 }));
        NNSupport.Near([15, 31, 47], layer.call(tensor(new float[] { 1, 2 })));
        NNSupport.Near([15, 31, 47], layer.forward(tensor(new float[] { 1, 2 })));
        Assert.IsTrue(layer.weight.requires_grad);
        CollectionAssert.AreEqual(new[] { "weight", "bias" }, layer.named_parameters().Select(item => item.Item1).ToArray());
    }

    [TestMethod]
    public void initial_values_of_linear_lie_within_the_bounds_of_pytorch_and_fill_them()
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(1);
        using Linear layer = Linear(16, 512);
        foreach (Parameter parameter in layer.parameters())
        {
            double largest = parameter.abs().max().item<float>();
            Assert.IsTrue(largest is <= 0.25 and > 0.24, $"{largest}");
        }
    }

    [TestMethod]
    public void embedding()
    {
        using DisposeScope scope = NewDisposeScope();
        using Embedding layer = Embedding(4, 2, padding_idx: 0);
        layer.weight = new Parameter(arange(8, ScalarType.Float32).reshape(4, 2));
        Tensor found = layer.call(tensor(new long[] { 3, 0, 3 }));
        NNSupport.Near([6, 7, 0, 1, 6, 7], found);
        found.sum().backward();
        NNSupport.Near([0, 0, 0, 0, 0, 0, 2, 2], layer.weight.grad!);
    }

    [TestMethod]
    public void an_embedding_begins_normal_with_a_zero_row_for_padding()
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(2);
        using Embedding layer = Embedding(200, 50, padding_idx: -1);
        NNSupport.Near(new double[50], layer.weight[199]);
        Assert.AreEqual(1, layer.weight.slice(0, 0, 199, 1).std().item<float>(), 0.05);
        Assert.AreEqual("weight", layer.state_dict().Keys.Single());
    }

    [TestMethod]
    public void an_embedding_works_beyond_the_scope_it_was_made_in()
    {
        Embedding layer;
        using (NewDisposeScope())
            layer = Embedding(2, 2);
        using DisposeScope scope = NewDisposeScope();
        Assert.AreEqual(2, layer.call(zeros(1, ScalarType.Int64)).numel());
        layer.Dispose();
    }

    [TestMethod]
    public void a_pretrained_embedding_is_frozen_unless_asked()
    {
        using DisposeScope scope = NewDisposeScope();
        using Embedding frozen = Embedding_from_pretrained(ones(2, 2)), free = Embedding_from_pretrained(ones(2, 2), freeze: false);
        Assert.IsFalse(frozen.weight.requires_grad);
        Assert.IsTrue(free.weight.requires_grad);
    }

    [TestMethod]
    public void an_embedding_converts_in_place()
    {
        using DisposeScope scope = NewDisposeScope();
        using Embedding layer = Embedding(2, 2);
        Parameter held = layer.parameters().Single();
        layer.to(ScalarType.Float64);
        Assert.AreEqual(ScalarType.Float64, held.dtype);
        Assert.AreEqual(ScalarType.Float64, layer.weight.dtype);
        Assert.AreEqual(ScalarType.Float64, layer.call(zeros(1, ScalarType.Int64)).dtype);
    }

    [TestMethod]
    public void layer_norm()
    {
        using DisposeScope scope = NewDisposeScope();
        using LayerNorm layer = LayerNorm(4, eps: 0);
        double deviation = Math.Sqrt(1.25);
        Tensor input = tensor(new float[] { 1, 2, 3, 4 });
        NNSupport.Near([-1.5 / deviation, -0.5 / deviation, 0.5 / deviation, 1.5 / deviation], layer.call(input));
        using LayerNorm bare = LayerNorm([4], bias: false);
        Assert.IsNull(bare.bias);
        Assert.AreEqual("weight", bare.named_parameters().Single().Item1);
        using LayerNorm plain = LayerNorm(4, elementwise_affine: false);
        Assert.AreEqual(0, plain.parameters().Count());
    }

    [TestMethod]
    public void dropout_zeroes_and_scales_in_training_only()
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(3);
        using Dropout layer = Dropout(0.25);
        Tensor kept = layer.call(ones(10000));
        Assert.AreEqual(1, kept.mean().item<float>(), 0.05);
        Assert.AreEqual(4 / 3f, kept.max().item<float>(), 1e-6f);
        layer.eval();
        NNSupport.Near([1, 1], layer.call(ones(2)));
    }

    [TestMethod]
    public void activations()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor input = tensor(new[] { -1f, 2f });
        double e = Math.E;
        NNSupport.Near([0, 2], ReLU().call(input));
        NNSupport.Near([-0.15865525, 1.95449974], GELU().call(input));
        NNSupport.Near([-1 / (1 + e), 2 / (1 + Math.Exp(-2))], SiLU().call(input));
        NNSupport.Near([Math.Tanh(-1), Math.Tanh(2)], Tanh().call(input));
        NNSupport.Near([1 / (1 + e), 1 / (1 + Math.Exp(-2))], Sigmoid().call(input));
        NNSupport.Near([-Math.Log(1 + e), -Math.Log(1 + Math.Exp(-2))], LogSigmoid().call(input));
        NNSupport.Near([Math.Log(1 + (1 / e)), Math.Log(1 + Math.Exp(2))], Softplus().call(input));
        NNSupport.Near([(1 / e) - 1, 2], ELU().call(input));
        NNSupport.Near([-0.01, 2], LeakyReLU().call(input));
        double share = 1 / (1 + Math.Exp(3));
        NNSupport.Near([share, 1 - share], Softmax(0).call(input));
        NNSupport.Near([Math.Log(share), Math.Log(1 - share)], LogSoftmax(-1).call(input));
        NNSupport.Near([-1, 2], Identity().call(input));
    }

    [TestMethod]
    public void an_activation_in_place_changes_its_input()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor input = tensor(new[] { -1f, 2f });
        ReLU(inplace: true).call(input);
        NNSupport.Near([0, 2], input);
    }

    [TestMethod]
    public void sequential_names_slices_and_chains()
    {
        using DisposeScope scope = NewDisposeScope();
        using Sequential row = Sequential(("a", Linear(2, 2)), ("b", ReLU()), ("c", Linear(2, 1, hasBias: false)));
        CollectionAssert.AreEqual(new[] { "a.weight", "a.bias", "c.weight" }, row.named_parameters().Select(item => item.Item1).ToArray());
        CollectionAssert.AreEqual(new[] { "a.weight", "a.bias", "c.weight" }, row.state_dict().Keys.ToArray());
        Tensor input = ones(1, 2);
        Tensor expected = row[2].call(row[1].call(row[0].call(input)));
        NNSupport.Near(expected, row.call(input), 0);
        Assert.AreEqual(2, row[1..].Count);
        Assert.AreEqual(1, row[^1..].Count);
        row.append(Tanh());
        Assert.AreEqual("3", row.named_children().Last().Item1);
        row.eval();
        Assert.IsFalse(((Linear)row[0]).training);
    }

    [TestMethod]
    public void containers_register_what_they_hold()
    {
        using DisposeScope scope = NewDisposeScope();
        using Holder holder = new();
        CollectionAssert.AreEqual(new[] { "byName.one.weight", "parameters.0", "parameters.1", "named.scale" },
            holder.named_parameters().Select(item => item.Item1).ToArray());
        Assert.IsTrue(holder.has_parameter("parameters.1"));
    }

    private sealed class Holder : Module
    {
        private readonly ModuleDict<Linear> byName = ModuleDict(("one", Linear(1, 1, hasBias: false)));
        private new readonly ParameterList parameters = ParameterList(new Parameter(zeros(1)), new Parameter(zeros(1)));
        private readonly ParameterDict named = ParameterDict(("scale", new Parameter(zeros(1))));

        public Holder() : base(nameof(Holder)) => RegisterComponents();
    }
}
