using Microsoft.ML.Trl.Tests.Models;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Estimators;

/// <summary>Every method in float16, and with rounding at random, from the options to the report.</summary>
[TestClass]
public sealed class PrecisionFitTests
{
    private readonly MLContext _ml = new(1);

    private IDataView Rows => _ml.Data.LoadFromEnumerable(Tiny.Pairs);

    [TestMethod]
    public void Float16_trains_answers_and_counts_what_it_skips()
    {
        var options = new SftOptions { MaxSteps = 4, Fp16 = true, Generation = Tiny.Greedy };
        using TextGenerationTransformer sft = _ml.Trl().Sft(Tiny.Source(), options).Fit(Rows);
        Assert.AreEqual(ScalarType.Float16, sft.Model.Network.Type);
        Assert.IsGreaterThan(0, sft.Model.Complete("the film").Length);
        Assert.IsTrue(sft.Reports[^1].Metrics.ContainsKey("skipped_steps"));
        Assert.AreEqual(65536 / Math.Pow(2, sft.Reports[^1]["skipped_steps"]), sft.Reports[^1]["loss_scale"]);
    }

    [TestMethod]
    public void Preferences_and_rewards_are_learnt_in_float16_and_with_rounding_at_random()
    {
        var half = new DpoOptions { MaxSteps = 8, LearningRate = 5e-3, LoggingSteps = 1, Fp16 = true };
        using TextGenerationTransformer dpo = _ml.Trl().Dpo(Tiny.Source(), half).Fit(Rows);
        Close.Absolute(Math.Log(2), dpo.Reports[0]["loss"], 2e-3, "DPO begins at ln 2");
        Close.Below(0.6, dpo.Reports[^1]["loss"], "DPO");
        var pure = new DpoOptions
        {
            MaxSteps = 8, LearningRate = 5e-3, LoggingSteps = 1, Bf16 = true, StochasticRounding = true, Optim = OptimizerKind.AdamW8Bit,
        };
        using TextGenerationTransformer rounded = _ml.Trl().Dpo(Tiny.Source(), pure).Fit(Rows);
        Close.Below(0.6, rounded.Reports[^1]["loss"], "DPO, rounded");
        var reward = new RewardOptions { MaxSteps = 8, LearningRate = 5e-3, LoggingSteps = 1, Fp16 = true };
        using RewardTransformer judge = _ml.Trl().RewardModel(Tiny.Source(), reward).Fit(Rows);
        Close.Below(0.9 * judge.Reports[0]["loss"], judge.Reports[^1]["loss"], "reward model");
    }

    [TestMethod]
    public void Ppo_steps_in_float16()
    {
        using CausalLanguageModel made = Toys.Gpt2();
        using CausalLanguageModel model = made.Copy(type: ScalarType.Float16);
        var options = new PpoOptions
        {
            BatchSize = 2, MiniBatchSize = 1, LearningRate = 1e-3, Fp16 = true, Generation = new() { MaxNewTokens = 6 },
        };
        using var session = new PpoSession(model, options);
        int[][] queries = [[3, 4, 5, 6], [20, 21]];
        PpoStatistics first = session.Step(queries, session.Generate(queries), [1, -1]);
        Close.Absolute(0, first["objective/kl"], 1e-2, "KL of equal models");
        Assert.IsTrue(double.IsFinite(session.Updates.GradientNorm));
        Close.Below(8, session.Updates.Scaler!.Skipped, "skipped of 8 updates");
        Assert.IsTrue(double.IsFinite(session.Step(queries, session.Generate(queries), [1, -1])["ppo/loss/total"]));
    }

    [TestMethod]
    [DataRow("bert")]
    [DataRow("distilbert")]
    public void Encoders_learn_labels_in_float16(string family)
    {
        using var scope = NewDisposeScope();
        ModelConfig config = EncoderConfig(family);
        using SequenceClassifier made = SequenceClassifier.Create(config, ["no", "yes"], 1);
        using SequenceClassifier model = made.Copy(type: ScalarType.Float16);
        var reports = new Collected();
        var options = new TextClassificationOptions { MaxSteps = 20, LearningRate = 5e-3, LoggingSteps = 1, Fp16 = true };
        new ClassificationLoop(model, options, learnsNumbers: false, reports).Run(
            [new ClassificationExample([1, 2, 3, 4], 0, 0), new ClassificationExample([5, 6, 7], 1, 0)]);
        Close.Below(0.6 * reports.Reports[0]["loss"], reports.Reports[^1]["loss"], family);
    }

    private static ModelConfig EncoderConfig(string family)
    {
        string sizes = family == "bert"
            ? """ "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64, """
            : """ "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64, """;
        using var folder = new TemporaryFolder();
        File.WriteAllText(
            Path.Combine(folder.Path, "config.json"),
            $$"""{ "model_type": "{{family}}", {{sizes}} "vocab_size": 40, "max_position_embeddings": 32 }""");
        return HuggingFaceFolder.LoadConfig(folder.Path);
    }
}
