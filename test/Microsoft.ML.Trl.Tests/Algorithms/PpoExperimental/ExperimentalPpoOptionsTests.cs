using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.PpoExperimental;

[TestClass]
public sealed class ExperimentalPpoOptionsTests
{
    [TestMethod]
    public void Defaults_are_those_of_TRL()
    {
        ExperimentalPpoOptions options = new ExperimentalPpoOptions().Validated();
        Assert.AreEqual((3e-6, 8, 1, 3.0), (
            options.LearningRate, options.PerDeviceTrainBatchSize, options.GradientAccumulationSteps, options.NumTrainEpochs));
        Assert.AreEqual((1, (int?)null, 64, 10), (
            options.NumMiniBatches, options.TotalEpisodes, options.LocalRolloutForwardBatchSize, options.NumSampleGenerations));
        Assert.AreEqual((53, 0.7, (double?)null, 4), (
            options.Generation.MaxNewTokens, options.Generation.Temperature, options.MissingEosPenalty, options.NumPpoEpochs));
        Assert.AreEqual((false, 0.05, KlEstimator.K1, 0.2), (
            options.WhitenRewards, options.KlCoef, options.KlEstimator, options.Cliprange));
        Assert.AreEqual((0.1, 0.2, 1.0, 0.95), (options.VfCoef, options.CliprangeValue, options.Gamma, options.Lam));
        Assert.AreEqual((1.0, true, LrSchedulerType.Linear), (options.MaxGradNorm, options.GradientCheckpointing, options.LrSchedulerType));
    }

    [TestMethod]
    public void Options_survive_JSON_under_the_names_of_TRL_and_unknown_ones_are_refused()
    {
        var options = new ExperimentalPpoOptions
        {
            KlEstimator = KlEstimator.K3, TotalEpisodes = 9, MissingEosPenalty = 1.5, Generation = new() { EosTokenIds = [7] },
        };
        string json = JsonSerializer.Serialize(options);
        StringAssert.Contains(json, "\"KlEstimator\":\"k3\"");
        Assert.AreEqual(json, JsonSerializer.Serialize(JsonSerializer.Deserialize<ExperimentalPpoOptions>(json)));
        Assert.ThrowsExactly<JsonException>(() => JsonSerializer.Deserialize<ExperimentalPpoOptions>("""{"KlCoeff":0.2}"""));
    }

    [TestMethod]
    public void Options_that_change_nothing_are_named()
    {
        Named("TotalEpisodes with MaxSteps", new() { MaxSteps = 3, TotalEpisodes = 100 });
        Named("NumTrainEpochs with TotalEpisodes", new() { TotalEpisodes = 100, NumTrainEpochs = 2 });
        Named("CliprangeValue with VfCoef 0", new() { VfCoef = 0, CliprangeValue = 0.1 });
        Named("KlEstimator with KlCoef 0", new() { KlCoef = 0, KlEstimator = KlEstimator.K3 });
        Named("NumCompletionsToPrint with NumSampleGenerations 0", new() { NumSampleGenerations = 0, NumCompletionsToPrint = 2 });
        Named("DataloaderDropLast", new() { DataloaderDropLast = true });
        Named("Peft.LoraDropout without dropout", new() { Peft = new() { LoraDropout = 0.1 } });
        Named("MinNewTokens of Generation", new() { Generation = new() { MinNewTokens = 2, EosTokenIds = [] } });
        Assert.IsEmpty(new ExperimentalPpoOptions().WithoutEffect());
    }

    private static void Named(string what, ExperimentalPpoOptions options) =>
        Assert.IsTrue(options.WithoutEffect().Any(line => line.StartsWith(what, StringComparison.Ordinal)), what);
}
