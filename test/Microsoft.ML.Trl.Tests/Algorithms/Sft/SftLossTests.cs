using System.Text.Json;
using Microsoft.ML.Trl.Tests.Numerics;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Sft;

/// <summary>The losses, through the very log-probabilities that train.</summary>
[TestClass]
public sealed class SftLossTests
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
            // hidden states of an identity projection
            Tensor logits = fixture["logits"].view(-1, 24).index_select(0, rows).requires_grad_();
            TokenLogProbs tokens = LogProbs.WithStatistics(logits, eye(24), labels, smoothing);
            Tensor loss = (
                dft ? SftLoss.Dft : (Func<Tensor, double, Tensor>)SftLoss.Nll)(tokens.LogProbs, items ?? labels.NumberOfElements);
            loss.backward();
            Close.Absolute(Expected($"{name}.{labelsName}"), loss.item<float>(), 1e-5, $"sft_v190 {name}.{labelsName}");
            Tensor whole = zeros(30, 24).index_copy_(0, rows, logits.grad!).view(3, 10, 24);
            Close.Relative(fixture[$"{name}.{labelsName}.grad"], whole, 1e-5, $"sft_v190 {name}.{labelsName}.grad");
        }
    }

    [TestMethod]
    public void Entropy_and_accuracy_equal_the_reference()
    {
        using var scope = NewDisposeScope();
        using var fixture = new FixtureTensors("losses", "sft_v190.safetensors");
        var (rows, labels) = Labelled(fixture["labels"]);
        TokenLogProbs tokens = LogProbs.WithStatistics(fixture["logits"].view(-1, 24).index_select(0, rows), eye(24), labels);
        JsonElement metrics = Case("metrics.labels");
        Close.Absolute(metrics.GetProperty("entropy").GetDouble(), tokens.Entropy.mean().item<float>(), 1e-5, "sft_v190 entropy");
        Close.Absolute(metrics.GetProperty("mean_token_accuracy").GetDouble(), tokens.Hit.mean().item<float>(), 1e-6, "sft_v190 accuracy");
    }

    [TestMethod]
    [DataRow("chunked.chunk4", null)]
    [DataRow("chunked.chunk4_items17", 17.0)]
    public void Gradients_by_hidden_states_and_projection_equal_the_reference(string name, double? items)
    {
        using var scope = NewDisposeScope();
        using var fixture = new FixtureTensors("losses", "sft_v190.safetensors");
        var (rows, labels) = Labelled(fixture["labels"]);
        Tensor hidden = fixture["hidden"].view(-1, 16).index_select(0, rows).requires_grad_();
        Tensor weight = fixture["lm_head_weight"].requires_grad_();
        JsonElement outputs = Case(name).GetProperty("outputs"); // loss, hits, entropy, labels
        TokenLogProbs tokens = LogProbs.WithStatistics(hidden, weight, labels);
        Tensor loss = SftLoss.Nll(tokens.LogProbs, items ?? labels.NumberOfElements);
        loss.backward();
        Close.Absolute(outputs[0].GetDouble(), loss.item<float>(), 1e-5, $"sft_v190 {name} loss");
        Close.Absolute(outputs[1].GetDouble(), tokens.Hit.sum().item<float>(), 0, $"sft_v190 {name} hits");
        Close.Absolute(outputs[2].GetDouble(), tokens.Entropy.sum().item<float>(), 1e-4, $"sft_v190 {name} entropy");
        Close.Relative(fixture[$"{name}.grad_weight"], weight.grad!, 1e-5, $"sft_v190 {name}.grad_weight");
        Tensor whole = zeros(30, 16).index_copy_(0, rows, hidden.grad!).view(3, 10, 16);
        Close.Relative(fixture[$"{name}.grad_hidden"], whole, 1e-5, $"sft_v190 {name}.grad_hidden");
    }

    [TestMethod]
    [DataRow(0.0, false, true)]
    [DataRow(0.2, false, true)]
    [DataRow(0.2, false, false)]
    [DataRow(0.0, true, false)]
    public void Loss_and_gradients_equal_those_of_autograd(double smoothing, bool dft, bool keeps)
    {
        using var scope = NewDisposeScope();
        HeadSample ours = HeadSample.Create(seed: 3, rows: 9, width: 6, vocabulary: 333);
        HeadSample plain = HeadSample.Create(seed: 3, rows: 9, width: 6, vocabulary: 333);
        TokenLogProbs tokens = LogProbs.WithStatistics(ours.Hidden, ours.Weight, ours.Labels, smoothing, keeps ? LogProbs.KeepBytes : 0);
        Tensor loss = dft ? SftLoss.Dft(tokens.LogProbs, 10) : SftLoss.Nll(tokens.LogProbs, 10);
        loss.backward();
        Tensor logs = plain.Hidden.matmul(plain.Weight.t()).log_softmax(-1);
        Tensor label = logs.gather(-1, plain.Labels.unsqueeze(-1)).squeeze(-1);
        Tensor cost = (label * -(1 - smoothing)) - (logs.mean([-1]) * smoothing);
        Tensor expected = (dft ? cost * label.detach().exp() : cost).sum() * 0.1;
        expected.backward();
        Close.Absolute(expected.item<float>(), loss.item<float>(), 1e-5);
        Close.Relative(plain.Hidden.grad!, ours.Hidden.grad!, 1e-5, "hidden");
        Close.Relative(plain.Weight.grad!, ours.Weight.grad!, 1e-5, "weight");
    }

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
