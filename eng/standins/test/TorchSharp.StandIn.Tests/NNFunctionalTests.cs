using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharpStandIn.Tests;

/// <summary>Functions, losses and initial values against numbers by hand.</summary>
[TestClass]
public sealed class NNFunctionalTests
{
    [TestMethod]
    public void cross_entropy()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor logits = tensor(new float[] { 0, 0, 1, 0 }).reshape(2, 2);
        Tensor labels = tensor(new long[] { 1, 0 });
        double second = Math.Log(1 + (1 / Math.E));
        NNSupport.Near([Math.Log(2), second], functional.cross_entropy(logits, labels, reduction: Reduction.None));
        NNSupport.Near([(Math.Log(2) + second) / 2], CrossEntropyLoss().call(logits, labels));
        NNSupport.Near([Math.Log(2)], functional.cross_entropy(logits, tensor(new long[] { 1, -100 })));
        NNSupport.Near([second], functional.cross_entropy(logits, labels, ignore_index: 1, reduction: Reduction.Sum));
        NNSupport.Near([second], CrossEntropyLoss(ignore_index: 1).call(logits, labels));
        NNSupport.Near([second], functional.nll_loss(logits.log_softmax(-1), labels, weight: tensor(new float[] { 1, 0 })));
        NNSupport.Near([Math.Log(2)], functional.cross_entropy(zeros(1, 2), tensor(new long[] { 0 }), label_smoothing: 0.3));
    }

    [TestMethod]
    public void distances()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor left = tensor(new float[] { 1, 5 }), right = tensor(new float[] { 0, 2 });
        NNSupport.Near([5], functional.mse_loss(left, right));
        NNSupport.Near([10], MSELoss(Reduction.Sum).call(left, right));
        NNSupport.Near([1, 3], functional.l1_loss(left, right, Reduction.None));
        NNSupport.Near([0.5, 2.5], functional.smooth_l1_loss(left, right, Reduction.None));
        NNSupport.Near([0.5, 4], functional.huber_loss(left, right, 2, Reduction.None));
        NNSupport.Near([5 / Math.Sqrt(26)], functional.cosine_similarity(left, right, 0));
        NNSupport.Near([Math.Log(2)], functional.binary_cross_entropy_with_logits(zeros(1), ones(1)));
        NNSupport.Near([Math.Log(2)], functional.binary_cross_entropy(full(1, 0.5), ones(1)));
        Tensor p = tensor(new[] { 0.25f, 0.75f }), q = tensor(new[] { 0.5f, 0.5f });
        double divergence = (0.5 * Math.Log(2)) + (0.5 * Math.Log(2.0 / 3));
        NNSupport.Near([divergence], functional.kl_div(p.log(), q.log(), reduction: Reduction.Sum));
        NNSupport.Near([divergence / 2], functional.kl_div(p.log(), q, log_target: false));
    }

    [TestMethod]
    public void attention_sees_what_the_mask_allows()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor query = zeros(1, 1, 2, 4), key = zeros(1, 1, 2, 4);
        Tensor value = tensor(new float[] { 1, 3 }).reshape(1, 1, 2, 1);
        NNSupport.Near([2, 2], functional.scaled_dot_product_attention(query, key, value));
        NNSupport.Near([1, 2], functional.scaled_dot_product_attention(query, key, value, is_casual: true));
        Tensor mask = tensor(new[] { false, true, true, true }).reshape(2, 2);
        NNSupport.Near([3, 2], functional.scaled_dot_product_attention(query, key, value, mask));
        Tensor added = tensor(new[] { 0, float.NegativeInfinity, 0, 0 }).reshape(2, 2);
        NNSupport.Near([1, 2], functional.scaled_dot_product_attention(query, key, value, added));
        Tensor scaled = functional.scaled_dot_product_attention(ones(1, 1, 1, 4), cat([zeros(1, 1, 1, 4), ones(1, 1, 1, 4)], 2), value);
        double share = 1 / (1 + Math.Exp(2));
        NNSupport.Near([share + (3 * (1 - share))], scaled);
    }

    [TestMethod]
    public void padding_and_one_hot()
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor row = tensor(new float[] { 1, 2, 3 }).reshape(1, 3);
        NNSupport.Near([9, 1, 2, 3, 9, 9], functional.pad(row, (1, 2), value: 9));
        NNSupport.Near([2, 1, 2, 3, 2], functional.pad(row, (1, 1), PaddingModes.Reflect));
        NNSupport.Near([1, 1, 2, 3, 3], functional.pad(row, new long[] { 1, 1 }, PaddingModes.Replicate));
        Assert.AreEqual(15, functional.pad(row, 1L).numel());
        NNSupport.Near([0, 0, 1, 1, 0, 0], functional.one_hot(tensor(new long[] { 2, 0 })));
        Assert.ThrowsExactly<ArgumentException>(() => functional.one_hot(row));
        NNSupport.Near([1, 1, 1, 0], nn.utils.rnn.pad_sequence([ones(2), ones(1)], batch_first: true));
    }

    [TestMethod]
    public void clipping_by_other_norms_and_by_value()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter one = new(zeros(2)) { grad = tensor(new float[] { 3, -4 }) };
        Parameter two = new(zeros(1)) { grad = tensor(new float[] { 12 }) };
        Parameter none = new(zeros(1));
        Assert.AreEqual(13, nn.utils.clip_grad_norm_([one, two, none], 100), 1e-5);
        NNSupport.Near([3, -4], one.grad!);
        Assert.AreEqual(12, nn.utils.clip_grad_norm_([one, two], 6, double.PositiveInfinity), 1e-5);
        NNSupport.Near([1.5, -2], one.grad!, 1e-5);
        nn.utils.clip_grad_value_([one, two], 2);
        NNSupport.Near([2], two.grad!);
        Assert.AreEqual(0, nn.utils.clip_grad_norm_([none], 1));
    }

    [TestMethod]
    public void parameters_become_one_vector_and_back()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter one = new(ones(1, 2)), two = new(zeros(1));
        NNSupport.Near([1, 1, 0], nn.utils.parameters_to_vector([one, two]));
        nn.utils.vector_to_parameters(tensor(new float[] { 5, 6, 7 }), [one, two]);
        NNSupport.Near([5, 6], one);
        NNSupport.Near([7], two);
        CollectionAssert.AreEqual(new long[] { 1, 2 }, one.shape);
    }

    [TestMethod]
    public void initial_values()
    {
        using DisposeScope scope = NewDisposeScope();
        manual_seed(5);
        Tensor wide = empty(400, 100);
        Assert.AreEqual((100, 400), init.CalculateFanInAndFanOut(wide));
        NNSupport.Near([1, 0, 0, 1], init.eye_(empty(2, 2)));
        NNSupport.Near([3], init.constant_(empty(1), 3));
        Assert.AreEqual(2, init.normal_(wide, 1, 2).std().item<float>(), 0.05);
        Assert.AreEqual(Math.Sqrt(2.0 / 100), init.kaiming_normal_(wide).std().item<float>(), 0.005);
        Assert.AreEqual(Math.Sqrt(6.0 / 500), init.xavier_uniform_(wide).abs().max().item<float>(), 0.001);
        Tensor cut = init.trunc_normal_(wide, std: 0.02, a: -0.04, b: 0.04);
        Assert.IsTrue(cut.abs().max().item<float>() <= 0.04f);
        Tensor turned = init.orthogonal_(empty(3, 5));
        NNSupport.Near(eye(3), turned.matmul(turned.t()), 1e-5);
        NNSupport.Near([0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0], init.dirac_(empty(2, 2, 3)));
        Tensor thin = init.sparse_(empty(10, 20), 0.3);
        Assert.AreEqual(60, thin.eq(0).sum().item<long>());
    }

    [TestMethod]
    public void initial_values_of_a_parameter_leave_no_graph()
    {
        using DisposeScope scope = NewDisposeScope();
        Parameter parameter = empty(2, 2).AsParameter();
        init.uniform_(parameter, 2, 3);
        Assert.IsTrue(parameter.requires_grad);
        Assert.IsTrue(parameter.is_leaf);
        Assert.IsTrue(parameter.ge(2).all().item<bool>());
    }
}
