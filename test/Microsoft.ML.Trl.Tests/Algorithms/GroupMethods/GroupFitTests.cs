using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.GroupMethods;

/// <summary>GRPO and RLOO as stages of a pipeline.</summary>
[TestClass]
public sealed class GroupFitTests
{
    private static readonly RewardFunction Good = RewardFunction.Of((_, completion) => completion.Split("good").Length - 1);

    private readonly MLContext _ml = new(1);

    public static IEnumerable<object[]> Methods => [["Grpo"], ["Rloo"]];

    private IDataView Rows => _ml.Data.LoadFromEnumerable(Tiny.Pairs);

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Rewards_rise(string method)
    {
        using TextGenerationTransformer fitted = Estimator(method, 40).Fit(Rows);
        double before = fitted.Reports.Take(3).Average(report => report["reward"]);
        Close.Above(before + 0.5, fitted.Reports.TakeLast(3).Average(report => report["reward"]), $"{method} reward");
        Assert.AreEqual(method.ToUpperInvariant(), fitted.Reports[0].Stage);
        Assert.IsNotEmpty(fitted.Reports[^1].Completions[0].Completion);
        Assert.IsNotNull(fitted.Reports[^1].Completions[0].Advantage);
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void A_reward_model_upstream_is_the_reward_and_the_chain_is_saved_and_loaded(string method)
    {
        using var folder = new TemporaryFolder();
        IEstimator<TextGenerationTransformer> last = method == "Grpo"
            ? _ml.Trl().Grpo(Quick(new GrpoOptions(), 2)) : _ml.Trl().Rloo(Quick(new RlooOptions(), 2));
        using var chain = _ml.Trl().Sft(Tiny.Source(), new SftOptions { MaxSteps = 2 })
            .Append(_ml.Trl().RewardModel(new RewardOptions { MaxSteps = 2 })).Append(last).Fit(Rows);
        Assert.IsTrue(chain.LastTransformer.Reports[0].Metrics.Keys.Any(key => key.StartsWith("rewards/", StringComparison.Ordinal)));
        string path = Path.Combine(folder.Path, "chain.zip");
        _ml.Model.Save(chain, Rows.Schema, path);
        ITransformer loaded = _ml.Model.Load(path, out _);
        IDataView prompts = _ml.Data.LoadFromEnumerable(new[] { new Tiny.PromptRow { Prompt = "the film" } });
        CollectionAssert.AreEqual(
            chain.Transform(prompts).GetColumn<string>("Completion").ToArray(),
            loaded.Transform(prompts).GetColumn<string>("Completion").ToArray());
        (loaded as IDisposable)?.Dispose();
    }

    [TestMethod]
    public void Several_rewards_are_weighted_and_may_leave_rows_out()
    {
        RewardFunction shorter = RewardFunction.Of((prompt, completion) => prompt.Length > 5 ? -completion.Length : (double?)null)
            .Named("short");
        GrpoOptions options = Quick(new GrpoOptions { RewardWeights = [1, 0.5] }, 1);
        using TextGenerationTransformer fitted = _ml.Trl().Grpo(Tiny.Source(), [Good.Named("good"), shorter], options).Fit(Rows);
        StepReport report = fitted.Reports[0];
        Assert.IsTrue(report.Metrics.ContainsKey("rewards/good/mean"));
        Assert.IsLessThan(0, report["rewards/short/mean"]);
        SampleCompletion sample = report.Completions[0];
        double expected = sample.Rewards["good"]!.Value + (0.5 * (sample.Rewards["short"] ?? 0));
        Close.Absolute(expected, sample.Score, 1e-9);
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Encoder_decoders_learn_too(string method)
    {
        using TextGenerationTransformer fitted = Estimator(method, 30, source: TinyT5.Source()).Fit(Rows);
        double before = fitted.Reports.Take(3).Average(report => report["reward"]);
        Close.Above(before + 0.2, fitted.Reports.TakeLast(3).Average(report => report["reward"]), $"{method} reward");
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void An_adapter_begins_at_its_base_which_is_the_reference(string method)
    {
        var peft = new LoraOptions { TargetModules = [LoraOptions.AllLinear] };
        using TextGenerationTransformer fitted = Estimator(method, 20, peft: peft, beta: 0.01).Fit(Rows);
        Close.Absolute(0, fitted.Reports[0]["kl"], 1e-5);
        Close.Above(1e-5, Math.Abs(fitted.Reports[^1]["kl"]), method);
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Cancelling_hands_out_what_was_reached(string method)
    {
        using var source = new CancellationTokenSource();
        var progress = new Collected(_ => source.Cancel());
        var stop = Assert.ThrowsExactly<TrainingCanceledException>(() => Estimator(method, 5, progress, cancel: source.Token).Fit(Rows));
        using var reached = (TextGenerationTransformer)stop.Model!;
        Assert.HasCount(1, reached.Reports);
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void Two_fits_with_the_same_seed_give_equal_weights(string method)
    {
        IEstimator<TextGenerationTransformer> estimator = Estimator(method, 2);
        using TextGenerationTransformer first = estimator.Fit(Rows), second = estimator.Fit(Rows);
        CollectionAssert.AreEqual(TinyModels.Flat(first.Model.Network.Weights()), TinyModels.Flat(second.Model.Network.Weights()));
    }

    [TestMethod]
    [DynamicData(nameof(Methods))]
    public void A_reward_that_fails_hands_out_what_was_reached(string method)
    {
        int asked = 0;
        RewardFunction failing = RewardFunction.Of((_, _) => ++asked > 32 ? throw new IOException("the judge has left") : 1);
        var stop = Assert.ThrowsExactly<RewardFunctionException>(() => Estimator(method, 5, reward: failing).Fit(Rows));
        Assert.Contains("the judge has left", stop.Message);
        ((IDisposable)stop.Model!).Dispose();
    }

    private IEstimator<TextGenerationTransformer> Estimator(
        string method, int steps, IProgress<StepReport>? progress = null, ModelSource? source = null, LoraOptions? peft = null,
        double beta = 0, RewardFunction? reward = null, CancellationToken cancel = default)
    {
        source ??= Tiny.Source();
        return method == "Grpo"
            ? _ml.Trl().Grpo(
                source, [reward ?? Good], Quick(new GrpoOptions { Peft = peft, Beta = beta }, steps), null, null, progress, cancel)
            : _ml.Trl().Rloo(
                source, [reward ?? Good], Quick(new RlooOptions { Peft = peft, Beta = beta }, steps), null, null, progress, cancel);
    }

    private static T Quick<T>(T options, int steps) where T : GroupOptions => options with
    {
        MaxSteps = steps,
        LearningRate = 2e-2,
        PerDeviceTrainBatchSize = 32,
        NumGenerations = 8,
        LoggingSteps = 1,
        LrSchedulerType = LrSchedulerType.Constant,
        Generation = new() { MaxNewTokens = 6 },
    };
}
