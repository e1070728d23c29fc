using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Numerics;

[TestClass]
public sealed class EmbeddingLookupTests
{
    [TestMethod]
    [DataRow(ScalarType.Float32)]
    [DataRow(ScalarType.BFloat16)]
    public void Rows_and_gradient_equal_plain_indexing_repeated_ids_included(ScalarType type)
    {
        using var scope = NewDisposeScope();
        Tensor ids = tensor([3L, 0, 3, 11, 3]), upstream = randn(5, 13).to_type(type);
        Tensor ours = randn(12, 13).to_type(type).requires_grad_(), plain = ours.detach().clone().requires_grad_();
        Tensor rows = EmbeddingLookup.Rows(ours, ids), expected = plain.index_select(0, ids);
        Close.Absolute(expected, rows, 0);
        (rows * upstream).sum().backward();
        (expected * upstream).sum().backward();
        Close.Absolute(plain.grad!, ours.grad!, 1e-6);
    }

    [TestMethod]
    public void A_tied_projection_and_a_lookup_add_to_one_gradient()
    {
        using var scope = NewDisposeScope();
        HeadSample sample = HeadSample.Create(seed: 12, rows: 4, width: 6, vocabulary: 20);
        Tensor plain = sample.Weight.detach().clone().requires_grad_();
        LogProbs.OfHidden(EmbeddingLookup.Rows(sample.Weight, sample.Labels), sample.Weight, sample.Labels).sum().backward();
        LogProbs.OfLogits(plain.index_select(0, sample.Labels).matmul(plain.transpose(0, 1)), sample.Labels).sum().backward();
        Close.Relative(plain.grad!, sample.Weight.grad!, 1e-5);
    }

    [TestMethod]
    public void Without_gradients_nothing_is_recorded()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Assert.IsFalse(EmbeddingLookup.Rows(randn(3, 2).requires_grad_(), tensor([1L])).requires_grad);
    }

    [TestMethod]
    public void Nothing_outlives_a_chain_of_custom_backward_passes() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        HeadSample sample = HeadSample.Create(seed: 13, rows: 4, width: 6, vocabulary: 20);
        LogProbs.OfHidden(EmbeddingLookup.Rows(sample.Weight, sample.Labels), sample.Weight, sample.Labels).sum().backward();
        HandedGradients.Drop();
    });

    [TestMethod]
    public void A_projection_that_is_no_parameter_is_refused()
    {
        using var scope = NewDisposeScope();
        HeadSample sample = HeadSample.Create(seed: 14, rows: 2, width: 3, vocabulary: 5);
        var error = Assert.ThrowsExactly<ArgumentException>(() => LogProbs.OfHidden(sample.Hidden, sample.Weight * 2, sample.Labels));
        StringAssert.StartsWith(
            error.Message, "The head is the result of a computation that records gradients; its parts must be parameters, or detached.");
    }
}
