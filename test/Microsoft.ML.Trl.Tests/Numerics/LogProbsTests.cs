using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Numerics;

[TestClass]
public sealed class LogProbsTests
{
    [TestMethod]
    public void Selected_log_softmax_equals_the_reference()
    {
        using var scope = NewDisposeScope();
        using var fixture = new FixtureTensors("losses", "sft_v190.safetensors");
        Tensor actual = LogProbs.OfLogits(fixture["logits"], fixture["selective_log_softmax.index"]);
        Close.Absolute(fixture["selective_log_softmax.out"], actual, 1e-5, "sft_v190 selective_log_softmax");
    }

    [TestMethod]
    public void Entropy_of_each_position_equals_the_reference()
    {
        using var scope = NewDisposeScope();
        using var fixture = new FixtureTensors("losses", "sft_v190.safetensors");
        Tensor logits = fixture["logits"].view(-1, 24); // as hidden states of an identity projection
        TokenLogProbs result = LogProbs.WithStatistics(logits, eye(24), zeros(30, dtype: ScalarType.Int64));
        Close.Absolute(fixture["entropy_per_token"].view(-1), result.Entropy, 1e-5, "sft_v190 entropy_per_token");
    }

    [TestMethod]
    [DataRow(1L << 30, DisplayName = "softmax kept")]
    [DataRow(0L, DisplayName = "softmax made again")]
    public void Gradients_equal_finite_differences(long keepBytes)
    {
        using var scope = NewDisposeScope();
        HeadSample sample = HeadSample.Create(seed: 3, rows: 5, width: 7, vocabulary: 19);
        Tensor upstream = tensor([0.3f, -1.2f, 0.7f, 2f, -0.4f]);
        double loss(Tensor hidden, Tensor weight) // in float64, by the definition
        {
            using var inner = NewDisposeScope();
            Tensor logs = hidden.to_type(ScalarType.Float64).matmul(weight.to_type(ScalarType.Float64).transpose(0, 1)).log_softmax(-1);
            return (logs.gather(-1, sample.Labels.unsqueeze(-1)).squeeze(-1) * upstream).sum().item<double>();
        }
        (LogProbs.OfHidden(sample.Hidden, sample.Weight, sample.Labels, keepBytes) * upstream).sum().backward();
        foreach (Tensor input in new[] { sample.Hidden, sample.Weight })
        {
            Tensor numeric = FiniteDifferences.Of(input, moved => ReferenceEquals(input, sample.Hidden)
                ? loss(moved, sample.Weight)
                : loss(sample.Hidden, moved));
            Close.Relative(numeric, input.grad!, 1e-5);
        }
    }

    [TestMethod]
    public void Many_chunks_kept_or_made_again_give_what_plain_autograd_gives()
    {
        using var scope = NewDisposeScope();
        HeadSample sample = HeadSample.Create(seed: 5, rows: 37, width: 16, vocabulary: 101);
        Tensor upstream = randn(37);
        (LogProbs.OfLogits(sample.Hidden.matmul(sample.Weight.transpose(0, 1)), sample.Labels) * upstream).sum().backward();
        Tensor hidden = Taken(sample.Hidden), weight = Taken(sample.Weight);
        foreach (var (keep, chunk) in new[] { (1L << 30, 1L << 30), (0L, 5L * 101 * 4), (0L, 1L) })
        {
            var call = new HiddenLogProbs.Call(sample.Weight, keep, chunk, 0);
            (HiddenLogProbs.apply(sample.Hidden, sample.Weight, sample.Labels, call) * upstream).sum().backward();
            Close.Relative(hidden, Taken(sample.Hidden), 1e-5, $"hidden, chunk {chunk}");
            Close.Relative(weight, Taken(sample.Weight), 1e-5, $"weight, chunk {chunk}");
        }
    }

    [TestMethod]
    [DataRow(null, 1.0)]
    [DataRow(2.0, 1.0)]
    [DataRow(null, 0.7)]
    [DataRow(2.0, 1.4)]
    public void A_head_with_a_bias_a_soft_cap_and_a_temperature_gives_what_plain_autograd_gives(double? cap, double temperature)
    {
        using var scope = NewDisposeScope();
        HeadSample sample = HeadSample.Create(seed: 5, rows: 37, width: 16, vocabulary: 101);
        Tensor upstream = randn(37), bias = randn(101).requires_grad_();
        Tensor logits = sample.Hidden.matmul(sample.Weight.transpose(0, 1)) + bias;
        if (cap is { } most)
            logits = (logits / most).tanh() * most;
        Tensor tempered = logits / temperature;
        (LogProbs.OfLogits(tempered, sample.Labels) * upstream).sum().backward();
        Tensor[] expected = [Taken(sample.Hidden), Taken(sample.Weight), Taken(bias)];
        var head = new VocabularyProjection(sample.Weight, bias, cap) { Temperature = temperature };
        foreach (long keep in new[] { 1L << 30, 0L })
        {
            Tensor logProbs = LogProbs.OfHidden(sample.Hidden, head, sample.Labels, keep);
            Close.Relative(LogProbs.OfLogits(tempered, sample.Labels).detach(), logProbs.detach(), 1e-5, "values");
            (logProbs * upstream).sum().backward();
            Close.Relative(expected[0], Taken(sample.Hidden), 1e-5, "hidden");
            Close.Relative(expected[1], Taken(sample.Weight), 1e-5, "weight");
            Close.Relative(expected[2], Taken(bias), 1e-5, "bias");
        }
        Tensor means = AnswerPass.MeanLogits(sample.Hidden, head with { Temperature = 1 });
        Close.Absolute(logits.detach().mean([-1]), means, 1e-5, "mean of logits");
    }

    [TestMethod]
    [DataRow(11, 3)]
    [DataRow(11, 257)]
    [DataRow(211, 5003, DisplayName = "more than one block")]
    public void Softmax_and_statistics_equal_their_definitions(int rows, int width)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor logits = randn(rows, width, generator: new Generator(1)) * 5, wide = logits.to_type(ScalarType.Float64);
        Tensor labels = tensor(Enumerable.Range(0, rows).Select(row => (long)(row * 7 % width)).ToArray());
        Tensor logs = wide - wide.exp().sum(-1, keepdim: true).log();
        RowStatistics actual = VocabularySoftmax.Apply(logits, labels);
        Close.Absolute(logs.exp(), logits, 3e-6, "softmax");
        Close.Absolute(logs.gather(-1, labels.unsqueeze(-1)).squeeze(-1), actual.LogProb, 2e-5, "log-prob");
        Close.Absolute((logs.exp() * logs).sum(-1).neg(), actual.Entropy, 5e-5, "entropy");
        Close.Absolute(wide.argmax(-1).eq(labels).to_type(ScalarType.Float32), actual.Hit, 0, "hit");
        Close.Absolute(logs.exp().square().sum(-1), actual.SquaredMass, 1e-5, "squares");
        Close.Absolute(wide.exp().sum(-1).log(), actual.LogTotal, 2e-5, "total");
        VocabularySoftmax.SubtractLabels(logits, labels, 0.25);
        Close.Absolute(logs.exp() - (0.25 * nn.functional.one_hot(labels, width)), logits, 3e-6, "labels");
    }

    [TestMethod]
    public void Without_gradients_the_numbers_are_the_same_and_nothing_is_recorded()
    {
        using var scope = NewDisposeScope();
        HeadSample sample = HeadSample.Create(seed: 6, rows: 9, width: 4, vocabulary: 33);
        Tensor recorded = LogProbs.OfHidden(sample.Hidden, sample.Weight, sample.Labels);
        using var noGrad = no_grad();
        Tensor plain = LogProbs.OfHidden(sample.Hidden, sample.Weight, sample.Labels);
        Assert.IsFalse(plain.requires_grad);
        Assert.IsTrue(recorded.requires_grad);
        Close.Absolute(recorded, plain, 0);
    }

    [TestMethod]
    public void A_frozen_projection_gets_no_gradient()
    {
        using var scope = NewDisposeScope();
        HeadSample sample = HeadSample.Create(seed: 7, rows: 4, width: 4, vocabulary: 9);
        sample.Weight.requires_grad = false;
        LogProbs.OfHidden(sample.Hidden, sample.Weight, sample.Labels).sum().backward();
        Assert.IsNull(sample.Weight.grad);
        Assert.IsNotNull(sample.Hidden.grad);
    }

    [TestMethod]
    public void Bfloat16_is_computed_in_float32()
    {
        using var scope = NewDisposeScope();
        HeadSample sample = HeadSample.Create(seed: 8, rows: 6, width: 8, vocabulary: 40, ScalarType.BFloat16);
        Tensor result = LogProbs.OfHidden(sample.Hidden, sample.Weight, sample.Labels);
        Assert.AreEqual(ScalarType.Float32, result.dtype);
        result.sum().backward();
        Assert.AreEqual(ScalarType.BFloat16, sample.Weight.grad!.dtype);
        Tensor hidden = sample.Hidden.detach().to_type(ScalarType.Float32).requires_grad_();
        Tensor weight = sample.Weight.detach().to_type(ScalarType.Float32).requires_grad_();
        Tensor exact = LogProbs.OfHidden(hidden, weight, sample.Labels);
        exact.sum().backward();
        Close.Absolute(exact, result, 0.03);
        Close.Relative(weight.grad!, sample.Weight.grad!, 0.02);
        Close.Relative(hidden.grad!, sample.Hidden.grad!, 0.02);
    }

    [TestMethod]
    public void No_rows_and_not_a_number_do_no_harm()
    {
        using var scope = NewDisposeScope();
        HeadSample sample = HeadSample.Create(seed: 9, rows: 2, width: 4, vocabulary: 50);
        Tensor none = LogProbs.OfHidden(sample.Hidden.narrow(0, 0, 0), sample.Weight, sample.Labels.narrow(0, 0, 0));
        Assert.AreEqual(0, none.NumberOfElements);
        Tensor broken = LogProbs.OfHidden(sample.Hidden * float.NaN, sample.Weight, sample.Labels);
        Assert.IsTrue(broken.isnan().all().item<bool>());
    }

    [TestMethod]
    public void Nothing_outlives_a_forward_and_backward_pass() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        HeadSample sample = HeadSample.Create(seed: 10, rows: 12, width: 4, vocabulary: 50);
        foreach (long keep in new[] { 0L, 1L << 20 })
            LogProbs.WithStatistics(sample.Hidden, sample.Weight, sample.Labels, keepBytes: keep).LogProbs.sum().backward();
    });

    private static Tensor Taken(Tensor leaf)
    {
        Tensor gradient = leaf.grad!;
        leaf.grad = null!;
        return gradient;
    }
}
