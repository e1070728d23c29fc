using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Numerics;

[TestClass]
public sealed class HeadLossTests
{
    [TestMethod]
    [DataRow("nll", false, 0.0, null)]
    [DataRow("nll_items17", false, 0.0, 17.0)]
    [DataRow("dft", true, 0.0, null)]
    [DataRow("dft_items17", true, 0.0, 17.0)]
    [DataRow("label_smoothing0.1", false, 0.1, null)]
    public void Losses_and_gradients_equal_the_reference(string name, bool dft, double smoothing, double? items)
    {
        using var scope = NewDisposeScope();
        using var fixture = new FixtureTensors("losses", "sft_v190.safetensors");
        foreach (string labelsName in new[] { "labels", "labels_full" })
        {
            var (rows, labels) = Labelled(fixture[labelsName]);
            Tensor logits = fixture["logits"].view(-1, 24).index_select(0, rows).requires_grad_(); // hidden states of an identity projection
            var objective = new TokenObjective((float)(1 / (items ?? labels.NumberOfElements)), (float)smoothing, dft);
            HeadLossResult result = HeadLoss.Accumulate(logits, eye(24), labels, objective);
            Close.Absolute(Expected($"{name}.{labelsName}"), result.Sums[0].item<float>(), 1e-5, $"sft_v190 {name}.{labelsName}");
            Tensor whole = zeros(30, 24).index_copy_(0, rows, result.Gradient).view(3, 10, 24);
            Close.Relative(fixture[$"{name}.{labelsName}.grad"], whole, 1e-5, $"sft_v190 {name}.{labelsName}.grad");
        }
    }

    [TestMethod]
    public void Entropy_and_accuracy_equal_the_reference()
    {
        using var scope = NewDisposeScope();
        using var fixture = new FixtureTensors("losses", "sft_v190.safetensors");
        var (rows, labels) = Labelled(fixture["labels"]);
        HeadLossResult result = HeadLoss.Accumulate(fixture["logits"].view(-1, 24).index_select(0, rows), eye(24), labels, new TokenObjective(1));
        JsonElement metrics = Case("metrics.labels");
        Tensor means = result.Sums / labels.NumberOfElements;
        Close.Absolute(metrics.GetProperty("entropy").GetDouble(), means[1].item<float>(), 1e-5, "sft_v190 entropy");
        Close.Absolute(metrics.GetProperty("mean_token_accuracy").GetDouble(), means[2].item<float>(), 1e-6, "sft_v190 accuracy");
    }

    [TestMethod]
    [DataRow("chunked.chunk4", null)]
    [DataRow("chunked.chunk4_items17", 17.0)]
    public void Gradients_by_hidden_states_and_projection_equal_the_reference(string name, double? items)
    {
        using var scope = NewDisposeScope();
        using var fixture = new FixtureTensors("losses", "sft_v190.safetensors");
        var (rows, labels) = Labelled(fixture["labels"]);
        Tensor hidden = fixture["hidden"].view(-1, 16).index_select(0, rows), weight = fixture["lm_head_weight"].requires_grad_();
        JsonElement outputs = Case(name).GetProperty("outputs"); // loss, hits, entropy, labels
        HeadLossResult result = HeadLoss.Accumulate(hidden, weight, labels, new TokenObjective((float)(1 / (items ?? labels.NumberOfElements))));
        Close.Absolute(outputs[0].GetDouble(), result.Sums[0].item<float>(), 1e-5, $"sft_v190 {name} loss");
        Close.Absolute(outputs[1].GetDouble(), result.Sums[2].item<float>(), 0, $"sft_v190 {name} hits");
        Close.Absolute(outputs[2].GetDouble(), result.Sums[1].item<float>(), 1e-4, $"sft_v190 {name} entropy");
        Close.Relative(fixture[$"{name}.grad_weight"], weight.grad!, 1e-5, $"sft_v190 {name}.grad_weight");
        Tensor whole = zeros(30, 16).index_copy_(0, rows, result.Gradient).view(3, 10, 16);
        Close.Relative(fixture[$"{name}.grad_hidden"], whole, 1e-5, $"sft_v190 {name}.grad_hidden");
    }

    [TestMethod]
    public void A_second_call_adds_to_the_gradient_of_the_projection()
    {
        using var scope = NewDisposeScope();
        HeadSample sample = HeadSample.Create(seed: 1, rows: 10, width: 6, vocabulary: 30);
        HeadLoss.Accumulate(sample.Hidden, sample.Weight, sample.Labels, new TokenObjective(0.1f));
        Tensor once = sample.Weight.grad!.clone();
        HeadLoss.Accumulate(sample.Hidden, sample.Weight, sample.Labels, new TokenObjective(0.1f));
        Close.Relative(once * 2, sample.Weight.grad!, 1e-6);
    }

    [TestMethod]
    public void The_fused_loss_and_the_differentiable_losses_agree()
    {
        using var scope = NewDisposeScope();
        foreach (bool dft in new[] { false, true })
        {
            HeadSample fused = HeadSample.Create(seed: 2, rows: 20, width: 6, vocabulary: 64), plain = HeadSample.Create(seed: 2, rows: 20, width: 6, vocabulary: 64);
            HeadLossResult result = HeadLoss.Accumulate(fused.Hidden, fused.Weight, fused.Labels, new TokenObjective(0.05f, 0, dft));
            Tensor logProbs = LogProbs.OfHidden(plain.Hidden, plain.Weight, plain.Labels);
            Tensor loss = dft ? SftLoss.Dft(logProbs, 20) : SftLoss.Nll(logProbs, 20);
            loss.backward();
            Close.Absolute(loss.item<float>(), result.Sums[0].item<float>(), 1e-5);
            Close.Relative(plain.Hidden.grad!, result.Gradient, 1e-5);
            Close.Relative(plain.Weight.grad!, fused.Weight.grad!, 1e-5);
        }
    }

    [TestMethod]
    [DataRow(0.0, false)]
    [DataRow(0.2, false)]
    [DataRow(0.0, true)]
    [DataRow(0.2, true)]
    public void Loss_and_gradients_equal_those_of_autograd(double smoothing, bool dft)
    {
        using var scope = NewDisposeScope();
        HeadSample ours = HeadSample.Create(seed: 3, rows: 9, width: 6, vocabulary: 333), plain = HeadSample.Create(seed: 3, rows: 9, width: 6, vocabulary: 333);
        HeadLossResult result = HeadLoss.Accumulate(ours.Hidden, ours.Weight, ours.Labels, new TokenObjective(0.1f, (float)smoothing, dft));
        Tensor logs = plain.Hidden.matmul(plain.Weight.t()).log_softmax(-1);
        Tensor label = logs.gather(-1, plain.Labels.unsqueeze(-1)).squeeze(-1);
        Tensor cost = (label * -(1 - smoothing)) - (logs.mean([-1]) * smoothing);
        Tensor loss = (dft ? cost * label.detach().exp() : cost).sum() * 0.1;
        loss.backward();
        Close.Absolute(loss.item<float>(), result.Sums[0].item<float>(), 1e-5);
        Close.Relative(plain.Hidden.grad!, result.Gradient, 1e-5, "hidden");
        Close.Relative(plain.Weight.grad!, ours.Weight.grad!, 1e-5, "weight");
    }

    [TestMethod]
    public void Bfloat16_gradients_are_summed_in_float32_over_chunks()
    {
        using var scope = NewDisposeScope();
        HeadSample sample = HeadSample.Create(seed: 4, rows: 30, width: 8, vocabulary: 40, ScalarType.BFloat16);
        HeadLossResult result = HeadLoss.Accumulate(sample.Hidden, sample.Weight, sample.Labels, new TokenObjective(1f / 30));
        Assert.AreEqual(ScalarType.BFloat16, sample.Weight.grad!.dtype);
        Tensor weight = sample.Weight.detach().to_type(ScalarType.Float32).requires_grad_();
        HeadLossResult exact = HeadLoss.Accumulate(sample.Hidden.detach().to_type(ScalarType.Float32), weight, sample.Labels, new TokenObjective(1f / 30));
        Close.Absolute(exact.Sums.narrow(0, 0, 1), result.Sums.narrow(0, 0, 1), 0.01);
        Close.Relative(weight.grad!, sample.Weight.grad!, 0.02);
    }

    [TestMethod]
    public void Nothing_outlives_the_call_but_its_result() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        HeadSample sample = HeadSample.Create(seed: 1, rows: 10, width: 6, vocabulary: 30);
        HeadLoss.Accumulate(sample.Hidden, sample.Weight, sample.Labels, new TokenObjective(0.1f));
    });

    /// <summary>Rows that predict a label, and the labels.</summary>
    private static (Tensor Rows, Tensor Labels) Labelled(Tensor labels)
    {
        long[] flat = labels.view(-1).data<long>().ToArray();
        int length = (int)labels.shape[1];
        int[] rows = [.. Enumerable.Range(0, flat.Length - 1).Where(at => (at + 1) % length != 0 && flat[at + 1] != -100)];
        return (tensor(rows.Select(row => (long)row).ToArray()), tensor(rows.Select(row => flat[row + 1]).ToArray()));
    }

    private static JsonElement Case(string name)
    {
        using JsonDocument json = Fixtures.Json("losses", "sft_v190.json");
        return json.RootElement.GetProperty("cases").EnumerateArray().Single(one => one.GetProperty("name").GetString() == name).Clone();
    }

    private static double Expected(string name) => Case(name).GetProperty("loss").GetDouble();
}
