using System.Text.Json;
using Microsoft.ML.Trl.Tests.Numerics;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.ReferenceFree;

/// <summary>The losses of ORPO and CPO: those of TRL v1.9.0 (losses/orpo_cpo_v190), values by hand, and finite differences.</summary>
[TestClass]
public sealed class PairLossTests
{
    private const double Tolerance = 1e-4; // absolute, for losses and metrics; gradients: 1e-5 of the largest entry

    [TestMethod]
    public void All_cases_on_log_probabilities_give_TRLs_losses_rewards_and_gradients()
    {
        using JsonDocument cases = Fixtures.Json("losses", "orpo_cpo_v190.json");
        using var tensors = new FixtureTensors("losses", "orpo_cpo_v190.safetensors");
        int count = 0;
        foreach (JsonElement test in cases.RootElement.GetProperty("cases").EnumerateArray().Where(test => !IsBatch(test)))
        {
            Leaks.None(() => Compare(test, tensors));
            count++;
        }
        Assert.AreEqual(14, count);
    }

    [TestMethod]
    public void All_whole_batches_give_TRLs_losses_metrics_and_gradients()
    {
        using JsonDocument cases = Fixtures.Json("losses", "orpo_cpo_v190.json");
        using var tensors = new FixtureTensors("losses", "orpo_cpo_v190.safetensors");
        int count = 0;
        foreach (JsonElement test in cases.RootElement.GetProperty("cases").EnumerateArray().Where(IsBatch))
        {
            Leaks.None(() => CompareBatch(test, tensors));
            count++;
        }
        Assert.AreEqual(6, count);
    }

    [TestMethod]
    public void Values_worked_by_hand() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        // p = 0.8 against 0.5: odds 4 against 1
        Tensor odds = OrpoLoss.LogOdds(tensor([(float)Math.Log(0.8)]), tensor([(float)Math.Log(0.5)]));
        Close.Absolute(Math.Log(4), odds.item<float>(), 1e-6);
        Close.Absolute(0.3 * Math.Log(1.25), OrpoLoss.OddsRatio(odds, 0.3).item<float>(), 1e-6); // -log σ(log 4) = log 5/4
        Close.Absolute(-1, CpoLoss.Reward(tensor([(float)Math.Log(0.25)]), 0.5).item<float>() / 2, 1e-6); // (1 - 0.25^-½) / ½ = -2
        Close.Absolute(Math.Log(2), CpoLoss.Simpo(tensor([0.25f]), beta: 2, gamma: 0.5).item<float>(), 1e-6);
    });

    [TestMethod]
    public void Odds_stay_finite_where_an_answer_is_certain_or_hopeless()
    {
        using var scope = NewDisposeScope();
        Tensor chosen = tensor([0f, -1e-9f, -90f]).requires_grad_(), rejected = tensor([-90f, -1e-3f, 0f]).requires_grad_();
        Tensor loss = OrpoLoss.OddsRatio(OrpoLoss.LogOdds(chosen, rejected), 0.1).sum();
        loss.backward();
        foreach (Tensor numbers in new[] { loss, chosen.grad!, rejected.grad! })
            Assert.IsTrue(numbers.isfinite().all().item<bool>());
    }

    [TestMethod]
    public void Gradients_are_finite_differences()
    {
        double[] logProbs = [-0.3, -2.1, -0.02, -7], differences = [-3.1, 0.4, 2.2, 0.01];
        using var scope = NewDisposeScope();
        Tensor other = tensor([-1.1, -0.6, -3.3, -0.8]);
        Slopes(x => OrpoLoss.OddsRatio(OrpoLoss.LogOdds(x, other), 0.4), logProbs, "ORPO chosen");
        Slopes(x => OrpoLoss.OddsRatio(OrpoLoss.LogOdds(other, x), 0.4), logProbs, "ORPO rejected");
        Slopes(x => CpoLoss.Sigmoid(x, 0.7, 0.1), differences, "CPO sigmoid");
        Slopes(x => CpoLoss.Hinge(x, 0.7), differences, "CPO hinge");
        Slopes(x => CpoLoss.Ipo(x, 0.7), differences, "CPO ipo");
        Slopes(x => CpoLoss.Simpo(x, 2, 1.2, 0.05), differences, "SimPO");
        Slopes(x => CpoLoss.Sigmoid(CpoLoss.Reward(x, 0.3), 0.7), logProbs, "AlphaPO");
    }

    private static bool IsBatch(JsonElement test) => test.TryGetProperty("loss", out _);

    private static void Compare(JsonElement test, FixtureTensors tensors)
    {
        using var scope = NewDisposeScope();
        string name = test.GetProperty("name").GetString()!;
        double Number(string property) => test.GetProperty(property).GetDouble();
        double beta = Number("beta");
        Tensor chosen = tensors["policy_chosen_logps"].requires_grad_(), rejected = tensors["policy_rejected_logps"].requires_grad_();
        bool odds = name.StartsWith("orpo", StringComparison.Ordinal);
        double alpha = odds ? 0 : Number("alpha");
        Tensor better = CpoLoss.Reward(chosen, alpha), worse = CpoLoss.Reward(rejected, alpha);
        double smoothing = odds ? 0 : Number("label_smoothing");
        // TRL's term of the odds ratio is subtracted, and its gradient is that of what it gives
        Tensor losses = odds ? OrpoLoss.OddsRatio(OrpoLoss.LogOdds(chosen, rejected), beta).neg()
            : test.GetProperty("loss_type").GetString() switch
            {
                "sigmoid" => CpoLoss.Sigmoid(better - worse, beta, smoothing),
                "hinge" => CpoLoss.Hinge(better - worse, beta),
                "ipo" => CpoLoss.Ipo(better - worse, beta),
                _ => CpoLoss.Simpo(better - worse, beta, Number("simpo_gamma"), smoothing),
            };
        Close.Relative(tensors[name + ".losses"], losses, 1e-5, $"orpo_cpo_v190 {name}");
        Close.Relative(tensors[name + ".chosen_rewards"], better * beta, 1e-5, $"orpo_cpo_v190 {name}.chosen_rewards");
        Close.Relative(tensors[name + ".rejected_rewards"], worse * beta, 1e-5, $"orpo_cpo_v190 {name}.rejected_rewards");
        losses.mean().backward();
        Close.Relative(tensors[name + ".grad_chosen"], chosen.grad!, 1e-5, $"orpo_cpo_v190 {name}.grad_chosen");
        Close.Relative(tensors[name + ".grad_rejected"], rejected.grad!, 1e-5, $"orpo_cpo_v190 {name}.grad_rejected");
    }

    private static void CompareBatch(JsonElement test, FixtureTensors tensors)
    {
        using var scope = NewDisposeScope();
        string name = test.GetProperty("name").GetString()!;
        JsonElement config = test.GetProperty("config");
        bool odds = name.StartsWith("orpo", StringComparison.Ordinal);
        IPairObjective objective = odds
            ? new OrpoObjective(new OrpoOptions { Beta = config.GetProperty("beta").GetDouble() })
            : new CpoObjective(CpoOf(config));
        int[][] ids = tensors.Rows("batch_input_ids"), labels = tensors.Rows("batch_labels");
        TokenExample[] rows =
            [.. ids.Select((row, at) => new TokenExample(row, 2) { Learned = [.. labels[at].Select(label => label != -100)] })];
        using var batch = new PairBatch(
            rows[..3], rows[3..], new PairLayout(WithPromptOfChosen: odds), texts => TokenBatch.Of(texts));
        Tensor logits = tensors["batch_logits"].requires_grad_(), used = batch.Tokens.Select(logits);
        Tensor logProbs = LogProbs.OfLogits(used, batch.Tokens.Labels), nothing = zeros(3);
        (Tensor loss, Dictionary<string, float> metrics) = objective.Compare(
            batch, new PairLogProbs(nothing, nothing), new TokenLogProbs(logProbs, logProbs, logProbs, logProbs), logProbs.detach());
        Close.Absolute(test.GetProperty("loss").GetDouble(), loss.item<float>(), Tolerance, $"orpo_cpo_v190 {name} loss");
        // TRL's mean of the logits is over prompts and padding too
        bool isCompared(JsonProperty metric) => !metric.Name.StartsWith("logits/", StringComparison.Ordinal);
        foreach (JsonProperty metric in test.GetProperty("metrics").EnumerateObject().Where(isCompared))
            Close.Absolute(metric.Value.GetDouble(), metrics[metric.Name], Tolerance, $"orpo_cpo_v190 {name} {metric.Name}");
        loss.backward();
        Close.Relative(tensors[name + ".grad"], logits.grad!, 1e-5, $"orpo_cpo_v190 {name} gradient");
    }

    private static CpoOptions CpoOf(JsonElement config)
    {
        double Number(string property, double otherwise) =>
            config.TryGetProperty(property, out JsonElement value) ? value.GetDouble() : otherwise;
        return new CpoOptions
        {
            LossType = config.GetProperty("loss_type").Deserialize<CpoLossType>(),
            Beta = Number("beta", 0.1),
            CpoAlpha = Number("cpo_alpha", 1),
            SimpoGamma = Number("simpo_gamma", 0.5),
            LabelSmoothing = Number("label_smoothing", 0),
        };
    }

    private static void Slopes(Func<Tensor, Tensor> loss, double[] at, string what)
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor(at).requires_grad_();
        loss(x).sum().backward();
        Close.Relative(FiniteDifferences.Of(x, moved => loss(moved).sum().item<double>()), x.grad!, 1e-6, $"{what} gradient");
    }
}
