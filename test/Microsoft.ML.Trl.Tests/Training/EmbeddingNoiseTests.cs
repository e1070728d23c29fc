using Microsoft.ML.Trl.Tests.Algorithms;
using Microsoft.ML.Trl.Tests.Models;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Training;

/// <summary>NEFTune, as transformers' hook on the embedding layer adds it.</summary>
[TestClass]
public sealed class EmbeddingNoiseTests
{
    private static readonly SftOptions Options = new() { LearningRate = 1e-2, MaxSteps = 4, PerDeviceTrainBatchSize = 4 };

    [TestMethod]
    public void Noise_is_uniform_within_alpha_over_the_root_of_length_times_width() => Leaks.None(() =>
    {
        using var scope = NewDisposeScope();
        using var rng = new Generator(3);
        Tensor noise = new EmbeddingNoise(5, rng).AddTo(zeros(300, 16), length: 12);
        double bound = 5 / Math.Sqrt(12 * 16);
        Close.Below(bound, noise.abs().max().item<float>());
        Close.Relative(bound, noise.abs().max().item<float>(), 1e-2);
        Close.Absolute(0, noise.mean().item<float>(), 0.02 * bound * 5);
        Close.Relative(bound * bound / 3, noise.square().mean().item<float>(), 0.05, "variance of the uniform distribution");
    });

    /// <summary>Tokens that stand once: their noise may as well be in the table. Gemma's rows have a factor, OPT's are projected.</summary>
    [TestMethod]
    [DataRow("gpt2")]
    [DataRow("gemma")]
    [DataRow("gemma3_text")]
    [DataRow("opt")]
    [DataRow("bloom")]
    [DataRow("t5")]
    public void A_pass_with_noise_is_a_pass_through_a_shifted_table(string name)
    {
        using CausalLanguageModel model = MadeModels.Load(name);
        using CausalLanguageModel shifted = model.Copy();
        using var scope = NewDisposeScope();
        using var frozen = no_grad();
        Tensor ids = tensor(new long[] { 3, 7, 11, 19, 23, 5 }, [2, 3]);
        using (var rng = new Generator(5))
        {
            Tensor table = shifted.Body.TokenEmbedding;
            double factor = name.StartsWith("gemma", StringComparison.Ordinal) ? Math.Sqrt(model.Config.HiddenSize) : 1;
            double bound = 4 / Math.Sqrt(3.0 * table.shape[1]);
            Tensor noise = zeros(6, table.shape[1]).uniform_(-bound, bound, rng);
            table.index_add_(0, ids.flatten(), noise / factor, 1);
        }
        using var again = new Generator(5);
        model.train();
        model.SetNoise(new EmbeddingNoise(4, again));
        Tensor noisy = First(model), clean = First(shifted);
        Close.Relative(clean, noisy, 1e-4, name);
        model.eval();
        Close.Differ(First(model).flatten().data<float>().ToArray(), noisy.flatten().data<float>().ToArray(), 1e-3);
        Tensor First(CausalLanguageModel read) => read.Config.IsEncoderDecoder ? read.Encode(ids).States : read.Hidden(ids);
    }

    [TestMethod]
    public void It_is_seeded_and_gone_after_training()
    {
        float[] none = Train(Options), noisy = Train(Options with { NeftuneNoiseAlpha = 5 });
        CollectionAssert.AreEqual(noisy, Train(Options with { NeftuneNoiseAlpha = 5 }));
        Close.Differ(none, noisy, 1e-3);
    }

    [TestMethod]
    public void Every_method_of_epochs_has_it()
    {
        static double loss(Func<double?, List<StepReport>> run, double? alpha) => run(alpha)[^1]["loss"];
        foreach (Func<double?, List<StepReport>> run in new Func<double?, List<StepReport>>[] { Sft, Dpo, Reward, Classification })
        {
            Assert.AreEqual(loss(run, 10), loss(run, 10));
            Assert.AreNotEqual(loss(run, null), loss(run, 10));
        }
    }

    [TestMethod]
    public void It_must_be_positive()
    {
        foreach (double alpha in new[] { 0, -1, double.NaN })
            StringAssert.StartsWith(
                Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => (Options with { NeftuneNoiseAlpha = alpha }).Validated()).Message,
                "NeftuneNoiseAlpha (");
    }

    private static float[] Train(SftOptions options)
    {
        float[] weights = [];
        Leaks.None(() =>
        {
            using CausalLanguageModel model = TinyModels.Gpt2();
            new SftLoop(model, options).Run(TinyModels.Texts(12));
            weights = TinyModels.Flat(model.Weights());
            using var scope = NewDisposeScope();
            using var frozen = no_grad();
            Tensor ids = tensor(new long[] { 1, 2, 3 }, [1, 3]), still = model.Hidden(ids);
            model.train();
            Close.Absolute(still, model.Hidden(ids), 0);
        });
        return weights;
    }

    private static List<StepReport> Sft(double? alpha)
    {
        using CausalLanguageModel model = TinyModels.Gpt2();
        return Loops.Sft(model, Options with { NeftuneNoiseAlpha = alpha }, TinyModels.Texts(12));
    }

    private static List<StepReport> Dpo(double? alpha)
    {
        using CausalLanguageModel model = TinyModels.Gpt2();
        var options = new DpoOptions { MaxSteps = 3, LearningRate = 1e-2, NeftuneNoiseAlpha = alpha };
        return Loops.Dpo(model, null, options, TinyModels.Pairs(12));
    }

    private static List<StepReport> Reward(double? alpha)
    {
        using RewardModel model = TinyModels.Reward();
        return Loops.Reward(
            model, new RewardOptions { MaxSteps = 3, LearningRate = 1e-2, NeftuneNoiseAlpha = alpha }, TinyModels.Pairs(12));
    }

    private static List<StepReport> Classification(double? alpha)
    {
        ModelConfig config = ModelConfig.Gpt2(TinyModels.Vocabulary, 16, 2, 2, 32, dropout: 0);
        using SequenceClassifier model = SequenceClassifier.Create(config, ["a", "b"], 1);
        var reports = new Collected();
        var options = new TextClassificationOptions { MaxSteps = 3, LearningRate = 1e-2, NeftuneNoiseAlpha = alpha };
        List<ClassificationExample> rows = [.. TinyModels.Texts(8).Select((text, i) => new ClassificationExample(text.Ids, i % 2, 0))];
        new ClassificationLoop(model, options, learnsNumbers: false, reports).Run(rows);
        return reports.Reports;
    }
}
