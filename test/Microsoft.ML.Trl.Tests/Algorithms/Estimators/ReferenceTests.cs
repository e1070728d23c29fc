using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Estimators;

/// <summary>DPO and PPO against a reference of the caller's choice.</summary>
[TestClass]
public sealed class ReferenceTests
{
    private static readonly PpoOptions OneStep = new() { Steps = 4, BatchSize = 4, MiniBatchSize = 4, Generation = Tiny.Greedy };

    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void Dpo_is_held_against_the_reference_that_was_given()
    {
        var options = new DpoOptions { MaxSteps = 1, LoggingSteps = 1, LearningRate = 1e-9 };
        using TextGenerationTransformer itself = _ml.Trl().Dpo(Tiny.Source(), options).Fit(Rows());
        Close.Absolute(Math.Log(2), itself.Reports[0].Metrics["loss"], 1e-5); // policy = reference
        using TextGenerationTransformer other = _ml.Trl().Dpo(Tiny.Source(), options, reference: Tiny.Source(seed: 5)).Fit(Rows());
        PreferenceMetrics expected = _ml.Trl().EvaluatePreferences(Tiny.Source(), Rows(), Tiny.Source(seed: 5));
        Close.Absolute(expected.Margin, other.Reports[0].Metrics["rewards/margins"], 1e-4);
        Assert.AreNotEqual(0, expected.Margin);
    }

    [TestMethod]
    public void A_reference_in_memory_is_read_where_it_is_and_stays_as_it_was()
    {
        using LanguageModel reference = Tiny.Model(seed: 5);
        float[] before = Toys.Flat(reference.Network.Weights());
        var options = new DpoOptions { MaxSteps = 4, LearningRate = 1e-2, SyncRefModel = true, RefModelSyncSteps = 1 };
        ModelSource held = ModelSource.FromModel(reference);
        using TextGenerationTransformer moved = _ml.Trl().Dpo(Tiny.Source(), options, reference: held).Fit(Rows());
        options = options with { SyncRefModel = false };
        using TextGenerationTransformer still = _ml.Trl().Dpo(Tiny.Source(), options, reference: held).Fit(Rows());
        CollectionAssert.AreEqual(before, Toys.Flat(reference.Network.Weights()));
        Assert.AreNotEqual(still.Reports[^1].Metrics["loss"], moved.Reports[^1].Metrics["loss"]);
    }

    [TestMethod]
    public void Ppo_measures_its_kl_to_the_reference_that_was_given()
    {
        RewardFunction zero = RewardFunction.Of((_, _) => 0);
        using TextGenerationTransformer itself = _ml.Trl().Ppo(Tiny.Source(), zero, OneStep).Fit(Rows());
        Close.Absolute(0, itself.Reports[0].Metrics["objective/kl"], 1e-5);
        using TextGenerationTransformer other = _ml.Trl().Ppo(Tiny.Source(), zero, OneStep, reference: Tiny.Source(seed: 5)).Fit(Rows());
        GenerationMetrics expected = _ml.Trl().EvaluateGeneration(
            Tiny.Source(), Rows(), reference: Tiny.Source(seed: 5), generation: Tiny.Greedy);
        Close.Absolute(expected.Kl, other.Reports[0].Metrics["objective/kl"], 1e-4);
    }

    [TestMethod]
    public void References_that_cannot_serve_are_refused()
    {
        ModelSource wider = ModelSource.New(
            Tiny.Config() with { VocabularySize = Tiny.Tokenizer.VocabularySize + 8 }, Tiny.Tokenizer);
        const string Message = "both must read the same token ids";
        Refused(Message, () => _ml.Trl().Dpo(Tiny.Source(), reference: wider).Fit(Rows()));
        Refused(Message, () => _ml.Trl().Ppo(Tiny.Source(), RewardFunction.Of((_, _) => 0), reference: wider).Fit(Rows()));
        Refused("ReferenceFree does without one", () => _ml.Trl().Dpo(new DpoOptions { ReferenceFree = true }, reference: wider));
    }

    private static void Refused(string message, Action action) =>
        Assert.Contains(message, Assert.Throws<ArgumentException>(action).Message);

    private IDataView Rows() => _ml.Data.LoadFromEnumerable(Tiny.Pairs);
}
