using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>What must hold for every decoder, on random weights. Tolerance 1e-5 absolute on hidden states of size 1.</summary>
[TestClass]
public sealed class DecoderTests
{
    private const double Tolerance = 1e-5;
    private const string Gpt2 = "gpt2";
    private const string Llama = "llama";
    private const string Windowed = "windowed";
    private const string Mixtral = "mixtral";
    private const string Qwen2Moe = "qwen2_moe";

    private static readonly long[] Text = [5, 9, 3, 17, 2, 8, 11, 4, 1];

    [TestMethod]
    [DataRow(Gpt2)]
    [DataRow(Llama)]
    [DataRow(Windowed)]
    [DataRow(Mixtral)]
    [DataRow(Qwen2Moe)]
    public void Padding_left_or_right_changes_nothing(string family)
    {
        using CausalLanguageModel model = Create(family);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor plain = model.Hidden(Ids(Text));
        Tensor right = model.Hidden(Ids([.. Text, 7, 7, 7]));
        Tensor left = model.Hidden(Ids([7, 7, .. Text]), Mask(0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1));
        Near(plain, right.narrow(1, 0, 9));
        Near(plain, left.narrow(1, 2, 9));
    }

    [TestMethod]
    [DataRow(Gpt2)]
    [DataRow(Llama)]
    [DataRow(Qwen2Moe)]
    public void A_masked_token_in_the_middle_might_as_well_not_be_there(string family)
    {
        using CausalLanguageModel model = Create(family);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor without = model.Hidden(Ids([5, 9, 3, 17]));
        Tensor with = model.Hidden(Ids([5, 9, 40, 3, 17]), Mask(1, 1, 0, 1, 1));
        Near(without.narrow(1, 2, 2), with.narrow(1, 3, 2));
    }

    [TestMethod]
    [DataRow(Gpt2)]
    [DataRow(Llama)]
    [DataRow(Windowed)]
    [DataRow(Mixtral)]
    [DataRow(Qwen2Moe)]
    public void A_text_read_in_pieces_through_the_cache_is_the_text_read_at_once(string family)
    {
        using CausalLanguageModel model = Create(family);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor ids = cat([Ids(Text), Ids([7, 7, 20, 21, 22, 23, 24, 25, 26])]);
        Tensor mask = cat([Mask(1, 1, 1, 1, 1, 1, 1, 1, 1), Mask(0, 0, 1, 1, 1, 1, 1, 1, 1)]);
        Tensor whole = model.Hidden(ids, mask);
        using KeyValueCache cache = new(model.Body, 2, 9);
        int read = 0;
        foreach (int count in new[] { 4, 1, 3, 1 })
        {
            Tensor piece = model.Hidden(ids.narrow(1, read, count), mask.narrow(1, 0, read + count), cache);
            int real = Math.Max(0, 2 - read); // the padding of the second row
            Near(whole.narrow(1, read + real, count - real), piece.narrow(1, real, count - real));
            read += count;
            Assert.AreEqual(read, cache.Length);
        }
    }

    [TestMethod]
    [DataRow(Gpt2)]
    [DataRow(Llama)]
    [DataRow(Windowed)]
    [DataRow(Mixtral)]
    [DataRow(Qwen2Moe)]
    public void Gradients_in_single_precision_are_those_in_double(string family)
    {
        using CausalLanguageModel single = Create(family);
        using CausalLanguageModel wide = InDouble(single);
        using var scope = NewDisposeScope();
        Tensor ids = cat([Ids(Text), Ids([4, 4, 20, 21, 22, 23, 24, 25, 26])]);
        Tensor slope = randn(2, 9, 32, generator: new Generator(3));
        autograd.backward(single.Hidden(ids), slope);
        autograd.backward(wide.Hidden(ids), slope.to_type(ScalarType.Float64));
        foreach (((string name, Tensor value), (_, Tensor expected)) in single.Weights().Zip(wide.Weights()))
        {
            if (expected.grad is null)
                continue; // an untied head takes no part
            double largest = expected.grad.abs().max().item<double>();
            Close.Absolute(expected.grad, value.grad!, 2e-5 * Math.Max(largest, 0.1), name);
        }
    }

    [TestMethod]
    [DataRow(Gpt2)]
    [DataRow(Llama)]
    [DataRow(Qwen2Moe)]
    public void A_step_forward_and_back_leaves_no_tensor_behind(string family)
    {
        using CausalLanguageModel model = Create(family);
        model.train();
        Leaks.None(() =>
        {
            using var scope = NewDisposeScope();
            model.Logits(model.Hidden(Ids(Text))).sum().backward();
            model.zero_grad();
        });
    }

    [TestMethod]
    public void Dropout_follows_its_generator_and_only_during_training()
    {
        using CausalLanguageModel model = Create(Gpt2);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using Generator rng = new(1);
        Tensor calm = model.Hidden(Ids(Text));
        Tensor Dropped(long seed)
        {
            rng.manual_seed(seed);
            return model.Hidden(Ids(Text));
        }
        model.SetDropout(0.2, rng);
        model.train();
        Tensor first = Dropped(5);
        Close.Absolute(first, Dropped(5), 0);
        Close.Above(0.01, (first - Dropped(6)).abs().max().item<float>());
        model.eval();
        Near(calm, Dropped(5));
        model.train();
        model.SetDropout(0.2, null);
        Near(calm, Dropped(5));
    }

    [TestMethod]
    public void Calls_that_do_not_fit_are_explained()
    {
        using CausalLanguageModel model = Create(Gpt2);
        using var scope = NewDisposeScope();
        void Refuses<T>(string part, Action call)
            where T : Exception => StringAssert.Contains(Assert.ThrowsExactly<T>(call).Message, part);
        Refuses<ArgumentException>("must be int64 of shape [batch, length]", () => model.Hidden(zeros(1, 3)));
        Refuses<ArgumentException>("has 65 tokens, but the model's context holds 64", () => model.Hidden(zeros(1, 65, ScalarType.Int64)));
        Refuses<ArgumentException>("mask must have shape [1, 3]", () => model.Hidden(Ids([1, 2, 3]), Mask(1, 1)));
        using KeyValueCache cache = new(model.Body, 1, 2);
        Refuses<InvalidOperationException>("no_grad", () => model.Hidden(Ids([1]), null, cache));
        using var noGrad = no_grad();
        Refuses<ArgumentException>("no room for 3 more", () => model.Hidden(Ids([1, 2, 3]), null, cache));
        Refuses<ArgumentException>("holds 1 sequences, 2 were given", () => model.Hidden(zeros(2, 1, ScalarType.Int64), null, cache));
    }

    private static CausalLanguageModel Create(string family)
    {
        if (family is Mixtral or Qwen2Moe)
            return MadeModels.Create(family);
        ModelConfig config = family == Gpt2
            ? ModelConfig.Gpt2(50, 32, 2, 4, 64)
            : ModelConfig.Llama(50, 32, 2, 4, 64, keyValueHeads: 2) with { SlidingWindow = family == Windowed ? 3 : null };
        CausalLanguageModel model = CausalLanguageModel.Create(config with { InitializerRange = 0.2 }, 11);
        model.eval();
        return model;
    }

    private static CausalLanguageModel InDouble(CausalLanguageModel model)
    {
        using var scope = NewDisposeScope();
        return new CausalLanguageModel(model.Config, new CopiedWeights(model.Weights(), type: ScalarType.Float64));
    }

    private static Tensor Ids(long[] ids) => tensor(ids).view(1, -1);

    private static Tensor Mask(params int[] real) => tensor(real).view(1, -1).to_type(ScalarType.Bool);

    private static void Near(Tensor expected, Tensor actual) => Close.Absolute(expected, actual, Tolerance);
}
