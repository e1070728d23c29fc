using System.Globalization;
using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Dpo;

/// <summary>Every loss of TRL v1.9.0 with its metrics and gradients: losses/dpo_v190.</summary>
[TestClass]
public sealed class DpoFixtureTests
{
    private const double Tolerance = 1e-4; // absolute, for losses and metrics; gradients: 1e-5 of the largest entry

    [TestMethod]
    public void All_61_cases_of_TRL_1_9_0_give_its_losses_metrics_and_gradients()
    {
        using JsonDocument cases = Fixtures.Json("losses", "dpo_v190.json");
        using SafetensorsFile tensors = SafetensorsFile.Open(Fixtures.Path("losses", "dpo_v190.safetensors"));
        int count = 0;
        foreach (JsonElement test in cases.RootElement.GetProperty("cases").EnumerateArray())
        {
            Leaks.None(() => Compare(test, tensors));
            count++;
        }
        Assert.AreEqual(61, count);
    }

    private static void Compare(JsonElement test, SafetensorsFile tensors)
    {
        string name = test.GetProperty("name").GetString()!;
        JsonElement config = test.GetProperty("config");
        DpoOptions options = Options(config);
        using var scope = NewDisposeScope();
        Tensor logits = tensors.Read("policy_logits").requires_grad_();
        Tensor referenceLogits = tensors.Read("ref_logits");
        using PairBatch batch = Batch(tensors, options);
        PairLogProbs theirs = name == "precomputed_ld"
            ? new PairLogProbs(tensors.Read("ref_chosen_logps"), tensors.Read("ref_rejected_logps"))
            : batch.Sum(LogProbs.OfLogits(batch.Tokens.Select(referenceLogits), batch.Tokens.Labels));
        Tensor chosen = batch.Tokens.Select(logits);
        TokenLogProbs statistics = Statistics(chosen, batch.Tokens.Labels);
        Tensor meanLogits = chosen.detach().mean([-1]);
        (Tensor loss, Dictionary<string, float> metrics) = new DpoObjective(options).Compare(batch, theirs, statistics, meanLogits);
        Close.Absolute(test.GetProperty("loss").GetDouble(), loss.item<float>(), Tolerance, $"dpo_v190 {name} loss");
        JsonElement expected = test.GetProperty("metrics");
        foreach ((string metric, float value) in metrics.Where(metric => metric.Key != "loss"))
            Close.Absolute(expected.GetProperty(metric).GetDouble(), value, Tolerance, $"dpo_v190 {name} {metric}");
        Assert.AreEqual(expected.GetProperty("num_tokens").GetInt64(), batch.Tokens.Tokens);
        if (!tensors.Entries.ContainsKey(name + ".grad"))
            return;
        loss.backward();
        Close.Relative(tensors.Read(name + ".grad"), logits.grad!, 1e-5, $"dpo_v190 {name} gradient");
    }

    private static TokenLogProbs Statistics(Tensor logits, Tensor labels)
    {
        Tensor mass = logits.detach().softmax(-1);
        return new TokenLogProbs(
            LogProbs.OfLogits(logits, labels),
            (mass * mass.log()).sum(-1).neg(),
            logits.argmax(-1).eq(labels).to_type(ScalarType.Float32),
            mass.square().sum(-1));
    }

    private static PairBatch Batch(SafetensorsFile tensors, DpoOptions options)
    {
        using var scope = NewDisposeScope();
        long[] ids = tensors.Read("input_ids").data<long>().ToArray();
        long[] real = tensors.Read("attention_mask").data<long>().ToArray();
        long[] answer = tensors.Read("completion_mask").data<long>().ToArray();
        int width = (int)tensors.Entries["input_ids"].Shape[1], pairs = (int)tensors.Entries["input_ids"].Shape[0] / 2;
        int[] Tokens(int row, bool completion) =>
            [.. Enumerable.Range(row * width, width).Where(i => real[i] == 1 && (answer[i] == 1) == completion).Select(i => (int)ids[i])];
        // a pair's two rows need not share their prompt here, so each half is an example of its own
        TokenExample Half(int row) => new([.. Tokens(row, false), .. Tokens(row, true)], Tokens(row, false).Length);
        TokenExample[] rows = [.. Enumerable.Range(0, 2 * pairs).Select(Half)];
        return new PairBatch(rows[..pairs], rows[pairs..], options.Layout, texts => TokenBatch.Of(texts));
    }

    private static DpoOptions Options(JsonElement config)
    {
        var options = new DpoOptions { MaxLength = null };
        foreach (JsonProperty property in config.EnumerateObject())
            options = property.Name switch
            {
                "loss_type" when property.Value.ValueKind == JsonValueKind.Array =>
                    options with { LossType = property.Value.Deserialize<DpoLossType[]>()! },
                "loss_type" => options with { LossType = [property.Value.Deserialize<DpoLossType>()] },
                "loss_weights" => options with { LossWeights = property.Value.Deserialize<double[]>() },
                "beta" => options with { Beta = property.Value.GetDouble() },
                "label_smoothing" => options with { LabelSmoothing = property.Value.GetDouble() },
                "f_divergence_type" => options with { FDivergenceType = property.Value.Deserialize<FDivergenceType>() },
                "f_alpha_divergence_coef" => options with { FAlphaDivergenceCoef = property.Value.GetDouble() },
                "ld_alpha" => options with { LdAlpha = property.Value.GetDouble() },
                "use_weighting" => options with { UseWeighting = property.Value.GetBoolean() },
                "precompute" => options with { PrecomputeRefLogProbs = property.Value.GetBoolean() },
                _ => throw new InvalidDataException(
                    string.Create(CultureInfo.InvariantCulture, $"Unknown setting {property.Name} in the fixture.")),
            };
        return options;
    }
}
