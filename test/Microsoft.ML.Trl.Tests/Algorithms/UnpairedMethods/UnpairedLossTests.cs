using System.Text.Json;
using Microsoft.ML.Trl.Tests.Numerics;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.UnpairedMethods;

/// <summary>The losses of KTO and BCO: those of TRL v1.9.0 and v0.11.4 (losses/kto_v190, kto_bco_v0114), and finite differences.</summary>
[TestClass]
public sealed class UnpairedLossTests
{
    private const double Tolerance = 1e-4; // absolute, for losses and metrics; gradients: 1e-5 of the largest entry

    [TestMethod]
    public void All_cases_of_TRL_1_9_0_give_its_losses_metrics_and_gradients()
    {
        using JsonDocument cases = Fixtures.Json("losses", "kto_v190.json");
        using var tensors = new FixtureTensors("losses", "kto_v190.safetensors");
        JsonElement[] all = [.. cases.RootElement.GetProperty("cases").EnumerateArray()];
        foreach (JsonElement test in all)
            Leaks.None(() => Compare(test, tensors));
        Assert.HasCount(10, all);
    }

    [TestMethod]
    public void Losses_rewards_and_gradients_of_TRL_0_11_4_on_log_probabilities()
    {
        using JsonDocument cases = Fixtures.Json("losses", "kto_bco_v0114.json");
        using var tensors = new FixtureTensors("losses", "kto_bco_v0114.safetensors");
        var running = new Dictionary<double, BcoObjective>();
        int count = 0;
        foreach (JsonElement test in cases.RootElement.GetProperty("cases").EnumerateArray())
        {
            string name = test.GetProperty("name").GetString()!;
            double beta = test.GetProperty("beta").GetDouble();
            if (!name.StartsWith("bco", StringComparison.Ordinal))
                CompareKto(test, name, beta, tensors);
            else
            {
                running.TryAdd(beta, new BcoObjective(new BcoOptions { Beta = beta }, null));
                CompareBco(running[beta], name, beta, tensors);
            }
            count++;
        }
        Assert.AreEqual(8, count);
    }

    [TestMethod]
    public void Gradients_are_finite_differences()
    {
        double[] ratios = [-3.1, 0.4, 2.2, 0.01];
        using var scope = NewDisposeScope();
        Tensor z = tensor(0.3);
        Slopes(x => KtoLoss.Desirable(x, z, 0.7), ratios, "KTO desirable");
        Slopes(x => KtoLoss.Undesirable(x, z, 0.7), ratios, "KTO undesirable");
        Slopes(x => BcoLoss.Desirable(x, 0.3), ratios, "BCO desirable");
        Slopes(x => BcoLoss.Undesirable(x, 0.3), ratios, "BCO undesirable");
    }

    private static void Compare(JsonElement test, FixtureTensors tensors)
    {
        using var scope = NewDisposeScope();
        string name = test.GetProperty("name").GetString()!;
        JsonElement config = test.GetProperty("config");
        var options = new KtoOptions
        {
            LossType = config.GetProperty("loss_type").Deserialize<KtoLossType>(),
            Beta = config.GetProperty("beta").GetDouble(),
            DesirableWeight = config.GetProperty("desirable_weight").GetDouble(),
            UndesirableWeight = config.GetProperty("undesirable_weight").GetDouble(),
        };
        bool[] labels = config.GetProperty("label").Deserialize<bool[]>()!;
        UnpairedExample[] examples = [.. Examples(tensors, "", labels)];
        using var batch = new UnpairedBatch(examples, [0, 1, 2, 3, 4, 5], null, null, texts => TokenBatch.Of(texts));
        Tensor logits = tensors["policy_logits"].requires_grad_();
        Tensor used = batch.Answers.Tokens.Select(Cut(logits, batch.Answers)), mass = used.detach().softmax(-1);
        Tensor logProbs = LogProbs.OfLogits(used, batch.Answers.Tokens.Labels), ours = batch.Answers.Sum(logProbs);
        Tensor ratio = ours - Sums(batch.Answers, tensors["ref_logits"]);
        var tokens = new TokenLogProbs(logProbs, (mass * mass.log()).sum(-1).neg(), logProbs, logProbs);
        (Tensor loss, Dictionary<string, float> metrics) = new KtoObjective(options).Compare(
            batch, new UnpairedTerms(ours, ratio, Mismatched(tensors, config, options)), tokens, used.detach().mean([-1]));
        Close.Absolute(test.GetProperty("loss").GetDouble(), loss.item<float>(), Tolerance, $"kto_v190 {name} loss");
        foreach (JsonProperty metric in test.GetProperty("metrics").EnumerateObject().Where(metric => metric.Name != "num_tokens"))
            Close.Absolute(metric.Value.GetDouble(), metrics[metric.Name], Tolerance, $"kto_v190 {name} {metric.Name}");
        Assert.AreEqual(test.GetProperty("metrics").GetProperty("num_tokens").GetInt64(), batch.Answers.Tokens.Tokens);
        loss.backward();
        Close.Relative(tensors[name + ".grad"], logits.grad!, 1e-5, $"kto_v190 {name} gradient");
    }

    private static Tensor? Mismatched(FixtureTensors tensors, JsonElement config, KtoOptions options)
    {
        if (options.LossType != KtoLossType.Kto)
            return null;
        TokenExample[] texts = [.. Examples(tensors, "KL_", new bool[6]).Select(example => example.Text())];
        using var batch = new AnswerBatch(TokenBatch.Of(texts), [0, 1, 2, 3, 4, 5]);
        Tensor ratio = Sums(batch, tensors["KL_policy_logits"]) - Sums(batch, tensors["KL_ref_logits"]);
        return config.GetProperty("swap_kl_policy_and_ref").GetBoolean() ? -ratio : ratio;
    }

    private static Tensor Sums(AnswerBatch batch, Tensor logits) =>
        batch.Sum(LogProbs.OfLogits(batch.Tokens.Select(Cut(logits, batch)), batch.Tokens.Labels));

    private static Tensor Cut(Tensor logits, AnswerBatch batch) => logits.narrow(1, 0, batch.Tokens.Ids.shape[1]);

    private static IEnumerable<UnpairedExample> Examples(FixtureTensors tensors, string prefix, bool[] labels)
    {
        int[][] ids = tensors.Rows(prefix + "input_ids"), real = tensors.Rows(prefix + "attention_mask");
        int[][] answer = tensors.Rows(prefix + "completion_mask");
        int[] Part(int row, int completion) => [.. ids[row].Where((_, at) => real[row][at] == 1 && answer[row][at] == completion)];
        return ids.Select((_, row) => new UnpairedExample(Part(row, 0), Part(row, 1), labels[row]));
    }

    private static void CompareKto(JsonElement test, string name, double beta, FixtureTensors tensors)
    {
        using var scope = NewDisposeScope();
        Tensor chosen = tensors["policy_chosen_logps"].requires_grad_(), rejected = tensors["policy_rejected_logps"].requires_grad_();
        Tensor z = name.StartsWith("apo", StringComparison.Ordinal)
            ? tensor(0f)
            : (tensors["policy_KL_logps"] - tensors["reference_KL_logps"]).mean().clamp(min: 0);
        Tensor better = chosen - tensors["reference_chosen_logps"], worse = rejected - tensors["reference_rejected_logps"];
        Tensor losses = cat([
            KtoLoss.Desirable(better, z, beta) * test.GetProperty("desirable_weight").GetDouble(),
            KtoLoss.Undesirable(worse, z, beta) * test.GetProperty("undesirable_weight").GetDouble()]);
        Close.Relative(tensors[name + ".losses"], losses, 1e-5, $"kto_bco_v0114 {name}");
        Close.Relative(tensors[name + ".chosen_rewards"], better * beta, 1e-5, $"kto_bco_v0114 {name}.chosen_rewards");
        Close.Relative(tensors[name + ".rejected_rewards"], worse * beta, 1e-5, $"kto_bco_v0114 {name}.rejected_rewards");
        losses.mean().backward();
        Close.Relative(tensors[name + ".grad_chosen"], chosen.grad!, 1e-5, $"kto_bco_v0114 {name}.grad_chosen");
        Close.Relative(tensors[name + ".grad_rejected"], rejected.grad!, 1e-5, $"kto_bco_v0114 {name}.grad_rejected");
    }

    private static void CompareBco(BcoObjective objective, string name, double beta, FixtureTensors tensors)
    {
        using var scope = NewDisposeScope();
        Tensor chosen = tensors["policy_chosen_logps"].requires_grad_(), rejected = tensors["policy_rejected_logps"].requires_grad_();
        UnpairedExample[] examples = [.. Enumerable.Range(0, 7).Select(row => new UnpairedExample([1], [2], row < 4))];
        using var batch = new UnpairedBatch(examples, [0, 1, 2, 3, 4, 5, 6], null, null, texts => TokenBatch.Of(texts));
        Tensor ours = cat([chosen, rejected]);
        Tensor ratio = ours - cat([tensors["reference_chosen_logps"], tensors["reference_rejected_logps"]]);
        (Tensor loss, Dictionary<string, float> metrics) = objective.Compare(
            batch, new UnpairedTerms(ours, ratio, null), new TokenLogProbs(ours, ours, ours, ours), ours.detach());
        Tensor losses = tensors[name + ".losses"];
        Close.Relative(losses.mean().item<float>(), loss.item<float>(), 1e-5, $"kto_bco_v0114 {name}");
        Close.Absolute(tensors[name + ".delta"].item<float>(), metrics["delta"], 1e-5, $"kto_bco_v0114 {name}.delta");
        float reward = tensors[name + ".chosen_rewards"].mean().item<float>();
        Close.Absolute(reward, metrics["rewards/chosen"], 1e-5, $"kto_bco_v0114 {name} rewards");
        loss.backward();
        Close.Relative(tensors[name + ".grad_chosen"], chosen.grad!, 1e-5, $"kto_bco_v0114 {name}.grad_chosen");
        Close.Relative(tensors[name + ".grad_rejected"], rejected.grad!, 1e-5, $"kto_bco_v0114 {name}.grad_rejected");
    }

    private static void Slopes(Func<Tensor, Tensor> loss, double[] at, string what)
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor(at).requires_grad_();
        loss(x).sum().backward();
        Close.Relative(FiniteDifferences.Of(x, moved => loss(moved).sum().item<double>()), x.grad!, 1e-6, $"{what} gradient");
    }
}
