using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>The plain linear layer in both layouts: y = x·W + b by its definition; 1e-5 relative to the largest entry.</summary>
[TestClass]
public sealed class LinearTests
{
    [TestMethod]
    [DataRow(WeightLayout.OutputsByInputs, 3, true)]
    [DataRow(WeightLayout.OutputsByInputs, 40, false)]
    [DataRow(WeightLayout.InputsByOutputs, 3, true)]
    [DataRow(WeightLayout.InputsByOutputs, 40, true)]
    public void Both_layouts_give_the_product_with_and_without_gradients(object layout, int rows, bool hasBias)
    {
        using var scope = NewDisposeScope();
        using RandomWeights weights = new(1);
        Initializer normal = Initializer.Normal(1);
        using LinearLayer layer = new(new WeightPath(weights, "a.b"), 20, 70, normal, hasBias ? normal : null, (WeightLayout)layout);
        Tensor matrix = (WeightLayout)layout == WeightLayout.InputsByOutputs ? layer.Weight : layer.Weight.t(); // [20, 70]
        CollectionAssert.AreEqual(new long[] { 20, 70 }, matrix.shape);
        Tensor x = randn(rows, 20, generator: new Generator(1)).requires_grad_();
        Tensor slope = randn(rows, 70, generator: new Generator(2));
        Tensor product = (x.detach().unsqueeze(-1) * matrix.detach()).sum(1); // [rows, 70]
        Tensor expected = hasBias ? product + layer.Bias!.detach() : product;
        Tensor y = layer.Forward(x);
        Close.Relative(expected, y, 1e-5, "recorded");
        autograd.backward(y, slope);
        Close.Relative(slope.matmul(matrix.detach().t()), x.grad!, 1e-5, "gradient of x");
        Tensor gradient = x.detach().t().matmul(slope);
        Close.Relative(
            (WeightLayout)layout == WeightLayout.InputsByOutputs ? gradient : gradient.t(), layer.Weight.grad!, 1e-5, "gradient of W");
        if (hasBias)
            Close.Relative(slope.sum(dim: 0), layer.Bias!.grad!, 1e-5, "gradient of b");
        using var noGrad = no_grad();
        Close.Relative(expected, layer.Forward(x), 1e-5, "not recorded");
    }

    [TestMethod]
    public void Its_parameters_have_the_names_of_the_checkpoint()
    {
        using RandomWeights weights = new(1);
        using LinearLayer layer = new(new WeightPath(weights, "h.0.mlp.c_fc"), 2, 3, Initializer.Ones, Initializer.Zeros);
        Assert.AreEqual("c_fc", layer.GetName());
        CollectionAssert.AreEqual(new[] { "weight", "bias" }, layer.named_parameters().Select(pair => pair.name).ToArray());
    }
}
