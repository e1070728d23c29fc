using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Diffusion;

[TestClass]
public sealed class ConvolutionTests
{
    /// <summary>
    /// The backward pass of libtorch alone gives NaN here in some of 300 tries.
    /// </summary>
    [TestMethod]
    [DataRow(1)]
    [DataRow(3)]
    [DataRow(12)]
    public void Gradients_of_few_channels_are_numbers(int outputs)
    {
        using RandomWeights weights = new(1);
        using Convolution convolution = new(new WeightPath(weights, "unet.conv"), 16, outputs);
        using var rng = new Generator(1);
        for (int i = 0; i < 300; i++)
        {
            using var scope = NewDisposeScope();
            Tensor x = randn([16, 16, 8, 8], generator: rng).requires_grad_();
            Tensor y = convolution.forward(x);
            CollectionAssert.AreEqual(new long[] { 16, outputs, 8, 8 }, y.shape);
            y.sum().backward();
            Assert.IsTrue(x.grad!.isfinite().all().item<bool>(), $"try {i}");
        }
    }
}
