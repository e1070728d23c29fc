using System.Text.Json;
using Microsoft.ML.Trl.Tests.Numerics;
using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Distillation;

/// <summary>The losses by hand, by finite differences, and as the loops compute them.</summary>
[TestClass]
public sealed class DistillationLossTests
{
    [TestMethod]
    public void Sums_over_labels_are_worked_by_hand() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        Close.Absolute(1.5, DistillationLoss.Mean(tensor([1f, 2f, 3f]), 4).item<float>(), 1e-7);
        // ¼ · (1 + 2) / 4 + ¾ · 2² · (0.5 + 0.25) / 4
        Tensor hinton = DistillationLoss.Hinton(tensor([-1f, -2f]), tensor([0.5f, 0.25f]), alpha: 0.25, temperature: 2, divisor: 4);
        Close.Absolute(0.75, hinton.item<float>(), 1e-7);
    });

    [TestMethod]
    [DataRow(0.0, true, new[] { 1f, 2, -1, 4 })]
    [DataRow(0.0, false, new[] { 1f, 2, -1, 4 })]
    [DataRow(0.5, false, new[] { 1.75f, 1.5f, -1, 4 })] // -1; 2 - ½; 1 + ½ · 1.5
    [DataRow(0.5, true, new[] { 1f, 1, -1, 4 })]        // over 1; 1.5; 1.75
    [DataRow(1.0, false, new[] { 2f, 1, -1, 4 })]
    [DataRow(1.0, true, new[] { 2f / 3, 0.5f, -1, 4 })]
    public void Advantages_are_worked_by_hand(double gamma, bool normalizes, float[] expected) => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        Tensor student = tensor([-2f, -3, -1, -5]), teacher = tensor([-1f, -1, -2, -1]); // rewards 1, 2, -1 of a row and 4 of another
        Tensor advantages = MiniLlmLoss.Advantages(student, teacher, [3, 0, 1], gamma, normalizes);
        Close.Absolute(expected, advantages.data<float>().ToArray(), 1e-6);
    });

    [TestMethod]
    public void Normalised_advantages_are_those_of_TRLs_powers_from_the_begin_of_the_row()
    {
        using var scope = NewDisposeScope();
        Tensor student = randn(7), teacher = randn(7);
        double[] rewards = [.. (teacher - student).data<float>().ToArray().Select(reward => (double)reward)];
        var expected = new double[7];
        for (int t = 0; t < 7; t++)
        {
            double[] powers = [.. Enumerable.Range(t, 7 - t).Select(i => Math.Pow(0.8, i))];
            expected[t] = powers.Zip(rewards[t..], (power, reward) => power * reward).Sum() / powers.Sum();
        }
        float[] actual = MiniLlmLoss.Advantages(student, teacher, [7], 0.8, lengthNormalization: true).data<float>().ToArray();
        Close.Absolute(expected, [.. actual.Select(one => (double)one)], 1e-6);
    }

    [TestMethod]
    public void Gradients_are_finite_differences()
    {
        using var scope = NewDisposeScope();
        Tensor drawn = tensor([-1f, -0.3f, -4f]);
        Tensor divergences = tensor([0.2f, 0.1f, 0.7f]);
        Slopes(
            x => DistillationLoss.Hinton(x, divergences, 0.3, 2, 5),
            at => (-0.3 / 5 * Sum(at)) + (0.7 * 4 / 5 * Sum(divergences)), drawn);
        Slopes(
            x => DistillationLoss.Hinton(drawn, x, 0.3, 2, 5),
            at => (-0.3 / 5 * Sum(drawn)) + (0.7 * 4 / 5 * Sum(at)), divergences);
        Slopes(x => DistillationLoss.Mean(x, 5), at => Sum(at) / 5, divergences);

        static double Sum(Tensor values) => values.to_type(ScalarType.Float64).sum().item<double>();

        static void Slopes(Func<Tensor, Tensor> loss, Func<Tensor, double> definition, Tensor at)
        {
            Tensor leaf = at.clone().requires_grad_();
            Tensor value = loss(leaf);
            value.backward();
            Close.Absolute(definition(at.to_type(ScalarType.Float64)), value.item<float>(), 1e-6);
            Close.Relative(FiniteDifferences.Of(at, definition), leaf.grad!, 1e-5);
        }
    }

    [TestMethod]
    public void The_first_loss_of_a_run_is_that_of_the_whole_distributions()
    {
        EpochOptions once = new GkdOptions { Lmbda = 0, Beta = 0.25, MaxSteps = 1, LoggingSteps = 1 };
        Close.Relative(Expected(1, jsd: 0.25, alpha: 0), First(once), 1e-5, "GKD");
        once = new DistillOptions { Alpha = 0.3, Temperature = 2, MaxSteps = 1, LoggingSteps = 1 };
        Close.Relative(Expected(2, jsd: 0, alpha: 0.3), First(once), 1e-5, "Distill");
        once = new DistillOptions { Alpha = 0, Temperature = 3, Beta = 1, MaxSteps = 1, LoggingSteps = 1 };
        Close.Relative(Expected(3, jsd: 1, alpha: 0), First(once), 1e-5, "Distill without labels");

        static double First(EpochOptions options)
        {
            using CausalLanguageModel student = DistillationRuns.Student(), teacher = DistillationRuns.Teacher();
            return DistillationRuns.Run(options, student, teacher)[0]["loss"];
        }
    }

    [TestMethod]
    public void Lmbda_and_seq_kd_decide_who_writes()
    {
        Assert.AreEqual((0, 0), Written(new GkdOptions { Lmbda = 0 }));
        Assert.AreEqual((40, 40), Written(new GkdOptions { Lmbda = 1, MaxNewTokens = 2 }));
        Assert.AreEqual((0, 40), Written(new GkdOptions { Lmbda = 0, SeqKd = true, MaxNewTokens = 2 }));
        (int student, int any) = Written(new GkdOptions { Lmbda = 0.25, SeqKd = true, MaxNewTokens = 2 });
        Assert.AreEqual(40, any);
        Assert.IsTrue(student is > 3 and < 18, $"{student} of 40 steps");

        static (int Student, int Any) Written(GkdOptions options)
        {
            using CausalLanguageModel student = DistillationRuns.Student(), teacher = DistillationRuns.Teacher();
            List<StepReport> reports = DistillationRuns.Run(
                options with { MaxSteps = 40, LoggingSteps = 1, PerDeviceTrainBatchSize = 1 }, student, teacher, rows: 4);
            return (
                reports.Count(report => report["on_policy"] == 1),
                reports.Count(report => report.Metrics.ContainsKey("completions/mean_length")));
        }
    }

    [TestMethod]
    public void A_writer_continues_prompts_as_the_model_does_each_row_with_draws_of_its_own()
    {
        using CausalLanguageModel teacher = DistillationRuns.Teacher();
        GenerationOptions how = new() { MaxNewTokens = 8 };
        var writer = new CompletionWriter(teacher, how, limit: 7, seed: 3, CancellationToken.None);
        var log = new StepLog("GKD", 1, new GkdOptions(), null);
        int[] prompt = [4, 5];
        IReadOnlyList<TokenExample[]> texts = writer.Write([[prompt, prompt], [prompt]], log);
        long[] streams = [(3L << 32) + 0, (3L << 32) + 1, (3L << 32) + 2];
        IReadOnlyList<int[]> expected = new TokenGenerator(teacher).Generate([prompt, prompt, prompt], how, streams).Tokens;
        TokenExample[] flat = [.. texts.SelectMany(part => part)];
        CollectionAssert.AreEqual(new[] { 2, 1 }, texts.Select(part => part.Length).ToArray());
        for (int row = 0; row < 3; row++)
            CollectionAssert.AreEqual(new[] { 4, 5 }.Concat(expected[row]).Take(7).ToArray(), flat[row].Ids);
        CollectionAssert.AreNotEqual(flat[0].Ids, flat[1].Ids);
        CollectionAssert.AreNotEqual(flat[0].Ids, writer.Write([[prompt]], log)[0][0].Ids);
        Assert.IsTrue(flat.All(text => text.PromptLength == 2));
    }

    [TestMethod]
    public void Options_go_through_json_and_unknown_names_are_refused()
    {
        var gkd = new GkdOptions { Lmbda = 0.25, Beta = 0.1, SeqKd = true, TeacherModel = ReferenceKind.Int8, MaxLength = 77 };
        var miniLlm = new MiniLlmOptions
        {
            Gamma = 0.5, KdTemperature = 2, RklAdvantage = false, LossType = GrpoLossType.DrGrpo, TeacherModel = ReferenceKind.Int8,
        };
        var distill = new DistillOptions { Alpha = 0.2, Temperature = 4, Beta = 0.5, PaddingFree = true };
        Same(gkd);
        Same(miniLlm);
        Same(distill);
        Assert.AreEqual(gkd.MaxLength, JsonSerializer.Deserialize<GkdOptions>(JsonSerializer.Serialize(gkd))!.MaxLength);
        Assert.ThrowsExactly<JsonException>(() => JsonSerializer.Deserialize<GkdOptions>("""{"Lambda":0.2}"""));
        Assert.ThrowsExactly<JsonException>(() => JsonSerializer.Deserialize<MiniLlmOptions>("""{"Lmbda":0.2}"""));
        Assert.ThrowsExactly<JsonException>(() => JsonSerializer.Deserialize<DistillOptions>("""{"Lmbda":0.2}"""));

        static void Same<T>(T options)
        {
            string json = JsonSerializer.Serialize(options);
            Assert.AreEqual(json, JsonSerializer.Serialize(JsonSerializer.Deserialize<T>(json)));
            Assert.AreNotEqual(json, JsonSerializer.Serialize(Activator.CreateInstance<T>()));
        }
    }

    [TestMethod]
    public void Defaults_are_those_of_TRL()
    {
        var gkd = new GkdOptions();
        Assert.AreEqual((0.9, 0.5, 0.5, 128, false), (gkd.Temperature, gkd.Lmbda, gkd.Beta, gkd.MaxNewTokens, gkd.SeqKd));
        Assert.AreEqual((true, 2e-5, 1024), (gkd.DisableDropout, gkd.LearningRate, gkd.MaxLength));
        var miniLlm = new MiniLlmOptions();
        Assert.AreEqual(
            (true, true, 1.0, 0.0, true),
            (miniLlm.RklAdvantage, miniLlm.SingleStepDecomposition, miniLlm.KdTemperature, miniLlm.Gamma, miniLlm.LengthNormalization));
        Assert.AreEqual((8, 256, 1e-6), (miniLlm.NumGenerations, miniLlm.Generation.MaxNewTokens, miniLlm.LearningRate));
        Assert.AreEqual(
            (1.0, 0.0, 0.2, 1, true, GrpoLossType.Dapo, ScaleRewards.Group),
            (miniLlm.Generation.Temperature, miniLlm.Beta, miniLlm.Epsilon, miniLlm.NumIterations, miniLlm.DisableDropout,
                miniLlm.LossType, miniLlm.ScaleRewards));
    }

    /// <summary>From whole logits of both models, in float64, one row at a time.</summary>
    private static double Expected(double temperature, double jsd, double alpha)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using CausalLanguageModel student = DistillationRuns.Student(), teacher = DistillationRuns.Teacher();
        student.eval();
        teacher.eval();
        double labels = 0, soft = 0;
        int count = 0;
        foreach (DistillationRow row in DistillationRuns.Rows(8))
        {
            int[] ids = row.Text.Ids;
            Tensor p = Logits(student, ids), q = Logits(teacher, ids) / temperature;
            Tensor logP = (p / temperature).log_softmax(-1), logQ = q.log_softmax(-1);
            Tensor mixture = ((jsd * logQ.exp()) + ((1 - jsd) * logP.exp())).log();
            Tensor Kl(Tensor left, Tensor right) => (left.exp() * (left - right)).sum(-1);
            Tensor divergence = jsd == 0 ? Kl(logQ, logP) : jsd == 1 ? Kl(logP, logQ)
                : (jsd * Kl(logQ, mixture)) + ((1 - jsd) * Kl(logP, mixture));
            Tensor ofLabels = p.log_softmax(-1);
            for (int t = row.Text.PromptLength; t < ids.Length; t++, count++)
            {
                labels -= ofLabels[t - 1, ids[t]].item<double>();
                soft += divergence[t - 1].item<double>();
            }
        }
        return ((alpha * labels) + ((1 - alpha) * temperature * temperature * soft)) / count;

        static Tensor Logits(CausalLanguageModel model, int[] ids) =>
            model.Logits(model.Hidden(tensor(Array.ConvertAll(ids, id => (long)id)).unsqueeze(0))).squeeze(0).to_type(ScalarType.Float64);
    }
}
