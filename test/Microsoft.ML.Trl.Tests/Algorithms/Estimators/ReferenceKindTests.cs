using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Estimators;

/// <summary>DPO, KTO, BCO and PPO held against an 8-bit copy of the reference.</summary>
[TestClass]
public sealed class ReferenceKindTests
{
    private static readonly DpoOptions Dpo = new() { MaxSteps = 10, LoggingSteps = 1, LearningRate = 1e-3, MaxLength = 32 };

    private static readonly PreferenceExample[] Pairs =
    [
        .. Toys.Rows(1, 6, 8, 14).Zip(Toys.Rows(2, 6, 8, 14), (chosen, rejected) => new PreferenceExample([1, 2, 3], chosen, rejected)),
    ];

    private readonly MLContext _ml = new(1);

    /// <summary>A tenth of a percent of a log-probability of some 40 nats.</summary>
    [TestMethod]
    public void Log_probabilities_are_close_to_those_of_the_full_reference()
    {
        using var scope = NewDisposeScope();
        using CausalLanguageModel policy = Toys.Gpt2();
        using CausalLanguageModel full = policy.CreateReferenceModel(), few = policy.CreateReferenceModel(ReferenceKind.Int8);
        Assert.AreEqual(WeightQuantization.Int8, few.Quantization);
        Assert.IsTrue(few.parameters().All(weight => !weight.requires_grad));
        using var batch = new PairBatch(Pairs, [0, 1, 2, 3, 4, 5], Dpo.Layout, policy.Batch);
        PairLogProbs expected = batch.Split(AnswerPass.Score(full, batch.Answers));
        PairLogProbs found = batch.Split(AnswerPass.Score(few, batch.Answers));
        Close.Relative(expected.Chosen, found.Chosen, 1e-3, "chosen");
        Close.Relative(expected.Rejected, found.Rejected, 1e-3, "rejected");
        Assert.AreNotEqual(0, (expected.Chosen - found.Chosen).abs().max().item<float>());
    }

    /// <summary>The same run against both: its losses differ by a hundredth of what they fall.</summary>
    [TestMethod]
    public void Dpo_learns_as_against_the_full_reference()
    {
        using CausalLanguageModel first = Toys.Gpt2(), second = Toys.Gpt2();
        List<StepReport> full = Loops.Dpo(first, null, Dpo, Pairs);
        List<StepReport> few = Loops.Dpo(second, null, Dpo with { ReferenceModel = ReferenceKind.Int8 }, Pairs);
        double fall = full[0].Metrics["loss"] - full[^1].Metrics["loss"];
        Close.Above(0.05, fall, "nothing was learnt");
        foreach ((StepReport expected, StepReport found) in full.Zip(few))
            Close.Absolute(expected.Metrics["loss"], found.Metrics["loss"], 0.01 * fall, $"step {expected.Step}");
    }

    [TestMethod]
    public void Stages_make_the_8_bit_copy_of_the_start_model_or_of_the_reference_that_is_given()
    {
        DpoOptions still = new() { MaxSteps = 1, LoggingSteps = 1, LearningRate = 1e-9, ReferenceModel = ReferenceKind.Int8 };
        using LanguageModel start = Tiny.Model(), other = Tiny.Model(seed: 5);
        float[] before = Toys.Flat(start.Network.Weights());
        ModelSource source = ModelSource.FromModel(start), given = ModelSource.FromModel(other);
        using TextGenerationTransformer own = _ml.Trl().Dpo(source, still).Fit(Rows());
        Assert.AreNotEqual(0, own.Reports[0].Metrics["rewards/margins"], "the reference is the start model itself");
        Close.Absolute(Math.Log(2), own.Reports[0].Metrics["loss"], 1e-3);
        using TextGenerationTransformer held = _ml.Trl().Dpo(source, still, reference: given).Fit(Rows());
        PreferenceMetrics expected = _ml.Trl().EvaluatePreferences(source, Rows(), given);
        Close.Relative(expected.Margin, held.Reports[0].Metrics["rewards/margins"], 0.02);
        Assert.AreNotEqual(expected.Margin, held.Reports[0].Metrics["rewards/margins"]);
        CollectionAssert.AreEqual(before, Toys.Flat(start.Network.Weights()));
        Assert.AreEqual(WeightQuantization.None, own.Model.Network.Quantization);
    }

    [TestMethod]
    [DataRow("Kto", 0.5)]
    [DataRow("Bco", 0.6931472)]
    public void Methods_of_single_completions_begin_near_their_8_bit_reference(string method, double loss)
    {
        using LanguageModel start = Tiny.Model();
        float[] before = Toys.Flat(start.Network.Weights());
        ModelSource source = ModelSource.FromModel(start);
        IEstimator<TextGenerationTransformer> estimator = method == "Kto"
            ? _ml.Trl().Kto(source, Still(new KtoOptions()))
            : _ml.Trl().Bco(source, Still(new BcoOptions()));
        using TextGenerationTransformer stage = estimator.Fit(Rows());
        Close.Absolute(loss, stage.Reports[0].Metrics["loss"], 1e-3);
        Assert.AreNotEqual(0, stage.Reports[0].Metrics["rewards/margins"], "the reference is the start model itself");
        CollectionAssert.AreEqual(before, Toys.Flat(start.Network.Weights()));

        static T Still<T>(T options)
            where T : UnpairedOptions => options with
            {
                MaxSteps = 1, LoggingSteps = 1, LearningRate = 1e-9, ReferenceModel = ReferenceKind.Int8,
            };
    }

    [TestMethod]
    public void Ppo_begins_near_its_8_bit_reference()
    {
        PpoOptions options = new()
        {
            Steps = 4, BatchSize = 4, MiniBatchSize = 4, Generation = Tiny.Greedy, ReferenceModel = ReferenceKind.Int8,
        };
        using TextGenerationTransformer stage = _ml.Trl().Ppo(Tiny.Source(), RewardFunction.Of((_, _) => 0), options).Fit(Rows());
        double kl = stage.Reports[0].Metrics["objective/kl"];
        Assert.AreNotEqual(0, kl, "the reference is a full one");
        Close.Absolute(0, kl, 0.01);
        using LanguageModel policy = Tiny.Model(), few = policy.Copy(quantization: WeightQuantization.Int8);
        using var session = new PpoSession(policy.Network, options, reference: few.Network);
        Assert.HasCount(4, session.Generate([[3], [4], [5], [6]]));
    }

    [TestMethod]
    public void A_run_whose_reference_takes_no_memory_says_that_the_option_has_no_effect()
    {
        List<string> log = [];
        _ml.Log += (_, message) => log.Add(message.Message);
        DpoOptions options = new() { MaxSteps = 1, ReferenceModel = ReferenceKind.Int8, Peft = new LoraOptions { R = 2 } };
        using TextGenerationTransformer adapted = _ml.Trl().Dpo(Tiny.Source(), options).Fit(Rows());
        StringAssert.Contains(log.Single(text => text.Contains("ReferenceModel Int8", StringComparison.Ordinal)), "without its adapter");
        log.Clear();
        options = options with { Peft = null, PrecomputeRefLogProbs = true };
        using TextGenerationTransformer once = _ml.Trl().Dpo(Tiny.Source(), options).Fit(Rows());
        StringAssert.Contains(log.Single(text => text.Contains("ReferenceModel Int8", StringComparison.Ordinal)), "before training");
        log.Clear();
        using TextGenerationTransformer given = _ml.Trl().Dpo(Tiny.Source(), options, reference: Tiny.Source(seed: 5)).Fit(Rows());
        Assert.IsEmpty(log.Where(text => text.Contains("ReferenceModel", StringComparison.Ordinal)));
    }

    [TestMethod]
    public void A_step_against_an_8_bit_reference_leaves_no_tensor_alive() => Leaks.None(() =>
    {
        using TextGenerationTransformer dpo =
            _ml.Trl().Dpo(Tiny.Source(), new DpoOptions { MaxSteps = 2, ReferenceModel = ReferenceKind.Int8 }).Fit(Rows());
    });

    private IDataView Rows() => _ml.Data.LoadFromEnumerable(Tiny.Pairs);
}
