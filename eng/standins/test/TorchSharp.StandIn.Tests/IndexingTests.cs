using TorchSharp;
using static TorchSharp.torch;

namespace TorchSharpStandIn.Tests;

[TestClass]
public sealed class IndexingTests
{
    private DisposeScope _scope = null!;
    private Tensor _x = null!;

    [TestInitialize]
    public void Open()
    {
        _scope = NewDisposeScope();
        _x = arange(24).reshape(2, 3, 4);
    }

    [TestCleanup]
    public void Close() => _scope.Dispose();

    [TestMethod]
    public void Numbers_select()
    {
        Check.Values(_x[1, 2, 3], 23);
        Check.Values(_x[0, -1], 8, 9, 10, 11);
    }

    [TestMethod]
    public void Slices_are_views()
    {
        Check.Values(_x[1, 1.., ^2..], 18, 19, 22, 23);
        Check.Values(_x[TensorIndex.Ellipsis, TensorIndex.Slice(0, null, 3)], 0, 3, 4, 7, 8, 11, 12, 15, 16, 19, 20, 23);
        Check.Values(_x[TensorIndex.Colon, 0, 0], 0, 12);
        Check.Values(_x[..1, ..^2, ..2], 0, 1);
        Check.Shape(_x[TensorIndex.None, 0], 1, 3, 4);
        _x[TensorIndex.Colon, TensorIndex.Colon, 0].fill_(-1);
        Check.Values(_x[1, 1], -1, 17, 18, 19);
    }

    [TestMethod]
    public void Index_tensors_and_masks_gather()
    {
        Check.Values(_x[tensor(new[] { 1L, 0L }), tensor(new[] { 2L, 0L })], 20, 21, 22, 23, 0, 1, 2, 3);
        Check.Values(_x[_x > 20], 21, 22, 23);
        Check.Values(_x[TensorIndex.Ellipsis, TensorIndex.Tensor(tensor(new[] { 3L, 0L }))][0, 0], 3, 0);
        Check.Values(_x[TensorIndex.Tensor(tensor(new[] { false, true })), 0], 12, 13, 14, 15);
        Check.Values(_x[0, TensorIndex.Tensor(tensor(new[] { 2L, 2L })), 1..2], 9, 9);
        Check.Values(_x[tensor(1L)][0], 12, 13, 14, 15);
    }

    [TestMethod]
    public void Assignments_reach_the_tensor()
    {
        _x[0, 0, 0] = tensor(100L);
        _x[1, TensorIndex.Colon, 3..] = tensor(new[] { 1L, 2L, 3L }).unsqueeze(1);
        _x[_x == 5] = tensor(50L);
        _x[TensorIndex.Tensor(tensor(new[] { 0L })), 2] = tensor(7L);
        Check.Values(_x, 100, 1, 2, 3, 4, 50, 6, 7, 7, 7, 7, 7, 12, 13, 14, 1, 16, 17, 18, 2, 20, 21, 22, 3);
        _x.index_put_(0, TensorIndex.Single(0));
        Check.Values(_x[0].sum(), 0);
    }

    [TestMethod]
    public void Gather_scatter_and_their_relatives()
    {
        Tensor rows = tensor(new float[,] { { 1, 2, 3 }, { 4, 5, 6 } });
        Tensor picks = tensor(new long[,] { { 2 }, { 0 } });
        Check.Values(rows.gather(1, picks), 3, 4);
        Check.Values(zeros(2, 3).scatter_(1, picks, ones(2, 1)), 0, 0, 1, 1, 0, 0);
        Check.Values(zeros(2, 3).scatter_add(1, picks, ones(2, 1)), 0, 0, 1, 1, 0, 0);
        Check.Values(rows.index_select(1, tensor(new[] { 2L, 1L })), 3, 2, 6, 5);
        Check.Values(zeros(3, 2).index_add_(0, tensor(new[] { 1L, 1L }), ones(2, 2), 0.5), 0, 0, 1, 1, 0, 0);
        Check.Values(rows.masked_fill(rows > 4, double.NegativeInfinity).max(), 4);
        Check.Values(rows.narrow(1, 1, 2), 2, 3, 5, 6);
        Check.Values(rows.nonzero().sum(0L), 3, 6);
    }

    [TestMethod]
    public void Shapes_change_without_copies()
    {
        Tensor turned = _x.permute(2, 0, 1);
        Check.Shape(turned, 4, 2, 3);
        Assert.IsFalse(turned.is_contiguous());
        CollectionAssert.AreEqual(new long[] { 1, 12, 4 }, turned.stride());
        Check.Shape(_x.transpose(0, 2).contiguous().view(-1, 2), 12, 2);
        Check.Shape(_x.unsqueeze(0).squeeze(0).flatten(1), 2, 12);
        Check.Shape(ones(1, 3).expand(2, 3), 2, 3);
        Check.Values(arange(3).repeat(2), 0, 1, 2, 0, 1, 2);
        Check.Values(arange(2).repeat_interleave(2), 0, 0, 1, 1);
        Check.Values(arange(4).roll(1), 3, 0, 1, 2);
        Check.Values(ones(2, 2).tril(), 1, 0, 1, 1);
        Check.Shape(_x.unflatten(2, 2, 2), 2, 3, 2, 2);
    }
}
