using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Dpo;

/// <summary>The pure losses: values worked by hand, and those of TRL v0.11.4 where its formulas are the same.</summary>
[TestClass]
public sealed class DpoLossTests
{
    [TestMethod]
    [DataRow(0.0, 0.0, 0.6931472)] // no preference yet: ln 2
    [DataRow(1.0, 0.0, 0.6443967)] // ln(1 + e^-0.1)
    [DataRow(1.0, 0.1, 0.6543967)] // 0.9 ln(1 + e^-0.1) + 0.1 ln(1 + e^0.1)
    public void The_sigmoid_loss_is_the_value_worked_by_hand(double margin, double smoothing, double expected) => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        Close.Absolute(expected, DpoLoss.Sigmoid(tensor([(float)margin]), beta: 0.1, smoothing).item<float>(), 1e-6);
    });

    [TestMethod]
    public void Losses_that_TRL_0_11_4_defines_alike_give_its_values_and_gradients()
    {
        using JsonDocument document = Fixtures.Json("losses", "dpo_v0114.json");
        using SafetensorsFile tensors = SafetensorsFile.Open(Fixtures.Path("losses", "dpo_v0114.safetensors"));
        int compared = 0;
        foreach (JsonElement test in document.RootElement.GetProperty("cases").EnumerateArray())
            if (Alike(test))
            {
                Compare(test, tensors);
                compared++;
            }
        Assert.AreEqual(55, compared); // all but the five of bco_pair, whose running mean v1.9.0 has dropped
    }

    [TestMethod]
    public void Sums_and_means_of_token_log_probabilities_are_those_of_TRL_0_11_4()
    {
        using SafetensorsFile tensors = SafetensorsFile.Open(Fixtures.Path("losses", "batch_logps_v0114.safetensors"));
        using var scope = NewDisposeScope();
        Tensor labels = tensors.Read("labels").narrow(1, 1, tensors.Entries["labels"].Shape[1] - 1); // -100 = not a completion
        Tensor counted = labels.ne(-100);
        Tensor tokens = LogProbs.OfLogits(tensors.Read("logits").narrow(1, 0, labels.shape[1]), labels.clamp(min: 0)) * counted;
        Close.Relative(tensors.Read("sum"), tokens.sum(1), 1e-6, "batch_logps_v0114 sum");
        Close.Relative(tensors.Read("average"), Masked.Mean(tokens, counted, 1), 1e-6, "batch_logps_v0114 average");
        CollectionAssert.AreEqual(tensors.Read("count").data<long>().ToArray(), counted.sum(1).data<long>().ToArray());
    }

    private static bool Alike(JsonElement test) => test.GetProperty("loss_type").GetString() != "bco_pair";

    private static void Compare(JsonElement test, SafetensorsFile tensors)
    {
        using var scope = NewDisposeScope();
        string name = test.GetProperty("name").GetString()!;
        Tensor chosen = tensors.Read(
            "policy_chosen_logps").requires_grad_(), rejected = tensors.Read("policy_rejected_logps").requires_grad_();
        double keep = test.GetProperty("reference_free").GetBoolean() ? 0 : 1;
        Tensor theirChosen = tensors.Read("reference_chosen_logps"), theirRejected = tensors.Read("reference_rejected_logps");
        Tensor loss = Loss(test, (chosen, rejected), (theirChosen, theirRejected), keep);
        Close.Relative(tensors.Read(name + ".losses"), loss, 1e-5, $"dpo_v0114 {name}");
        loss.mean().backward();
        Close.Relative(tensors.Read(name + ".grad_chosen"), chosen.grad!, 1e-5, $"dpo_v0114 {name}.grad_chosen");
        Close.Relative(tensors.Read(name + ".grad_rejected"), rejected.grad!, 1e-5, $"dpo_v0114 {name}.grad_rejected");
    }

    // v0.11.4 lets reference_free and the divergences reach some losses only
    private static Tensor Loss(
        JsonElement test, (Tensor Chosen, Tensor Rejected) ours, (Tensor Chosen, Tensor Rejected) theirs, double keep)
    {
        (double beta, double smoothing) = (test.GetProperty("beta").GetDouble(), test.GetProperty("label_smoothing").GetDouble());
        (Tensor chosen, Tensor rejected) = (ours.Chosen - (theirs.Chosen * keep), ours.Rejected - (theirs.Rejected * keep));
        (Tensor plainChosen, Tensor plainRejected) = (ours.Chosen - theirs.Chosen, ours.Rejected - theirs.Rejected);
        Tensor margin = Score(test, chosen) - Score(test, rejected);
        return test.GetProperty("loss_type").GetString() switch
        {
            "sigmoid" => DpoLoss.Sigmoid(margin, beta, smoothing),
            "robust" => DpoLoss.Robust(margin, beta, smoothing),
            "exo_pair" => DpoLoss.ExoPair(margin, beta, smoothing == 0 ? 1e-3 : smoothing),
            "hinge" => DpoLoss.Hinge(margin, beta),
            "ipo" => DpoLoss.Ipo(margin, beta),
            "sppo_hard" => DpoLoss.SppoHard(plainChosen, plainRejected, beta),
            "nca_pair" => DpoLoss.NcaPair(plainChosen, plainRejected, beta),
            "aot_pair" => DpoLoss.AotUnpaired(plainChosen, plainRejected, beta, smoothing),
            "aot" => DpoLoss.Aot(ours.Chosen - ours.Rejected, theirs.Chosen - theirs.Rejected, beta, smoothing),
            "apo_zero" => DpoLoss.ApoZero(chosen, rejected, beta),
            "apo_down" => DpoLoss.ApoDown(chosen, chosen - rejected, beta),
            string unknown => throw new InvalidDataException(unknown),
            null => throw new InvalidDataException(),
        };
    }

    private static Tensor Score(JsonElement test, Tensor ratio) => test.GetProperty("f_divergence_type").GetString() switch
    {
        "js_divergence" => DpoScore.JsDivergence(ratio),
        "alpha_divergence" =>
            DpoScore.AlphaDivergence(ratio, 1 - test.GetProperty("f_divergence_params").GetProperty("alpha_divergence_coef").GetDouble()),
        _ => DpoScore.ReverseKl(ratio),
    };
}
