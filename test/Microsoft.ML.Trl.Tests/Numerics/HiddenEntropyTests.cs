using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Numerics;

[TestClass]
public sealed class HiddenEntropyTests
{
    [TestMethod]
    [DataRow(null, 1.0)]
    [DataRow(2.0, 0.7)]
    [DataRow(null, 1.6)]
    public void Values_and_gradients_are_those_of_plain_autograd(double? cap, double temperature)
    {
        const int rows = 37;
        using var scope = NewDisposeScope();
        HeadSample sample = HeadSample.Create(seed: 5, rows, width: 16, vocabulary: 101);
        Tensor upstream = randn(rows), bias = randn(101).requires_grad_();
        Tensor logits = sample.Hidden.matmul(sample.Weight.transpose(0, 1)) + bias;
        if (cap is { } most)
            logits = (logits / most).tanh() * most;
        Tensor logs = (logits / temperature).log_softmax(-1), plain = (logs.exp() * logs).sum(-1).neg();
        (plain * upstream).sum().backward();
        Tensor[] expected = [Taken(sample.Hidden), Taken(sample.Weight), Taken(bias)];
        Tensor entropy = HiddenEntropy.Of(
            sample.Hidden, new VocabularyProjection(sample.Weight, bias, cap) { Temperature = temperature });
        Close.Absolute(plain.detach(), entropy.detach(), 1e-5, "values");
        (entropy * upstream).sum().backward();
        Close.Relative(expected[0], Taken(sample.Hidden), 1e-5, "hidden");
        Close.Relative(expected[1], Taken(sample.Weight), 1e-5, "weight");
        Close.Relative(expected[2], Taken(bias), 1e-5, "bias");
    }

    private static Tensor Taken(Tensor parameter)
    {
        Tensor gradient = parameter.grad is { } taken ? taken.clone() : zeros_like(parameter);
        parameter.grad = null;
        return gradient.detach();
    }
}
