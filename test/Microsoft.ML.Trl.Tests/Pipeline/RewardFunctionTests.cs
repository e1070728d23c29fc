using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;
using Microsoft.ML.Transforms;

namespace Microsoft.ML.Trl.Tests.Pipeline;

[TestClass]
public sealed class RewardFunctionTests
{
    private static readonly string[] Prompts = ["the film", "a"];
    private static readonly string[] Responses = [" was good", " story"];

    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void A_function_sees_prompt_and_response() =>
        CollectionAssert.AreEqual(
            new[] { 809.0, 106.0 }, Scores(RewardFunction.Of((prompt, response) => (100 * prompt.Length) + response.Length)));

    [TestMethod]
    public void A_batch_function_sees_all_rows() =>
        CollectionAssert.AreEqual(
            new[] { 2.0, 2.0 }, Scores(RewardFunction.OfBatch((prompts, responses) => [.. responses.Select(_ => (double)prompts.Count)])));

    [TestMethod]
    public void Asynchronous_calls_run_at_once_and_keep_their_order()
    {
        using var both = new Barrier(2);
        CollectionAssert.AreEqual(new[] { 9.0, 6.0 }, Scores(RewardFunction.OfAsync((_, response, cancel) => Task.Run(() =>
        {
            Assert.IsTrue(both.SignalAndWait(TimeSpan.FromSeconds(30), cancel)); // ends only when both calls are there
            return (double)response.Length;
        }, cancel))));
    }

    [TestMethod]
    public void A_weighted_sum_adds_up() =>
        CollectionAssert.AreEqual(new[] { 9 * 0.5 - 8 * 2.0, 6 * 0.5 - 1 * 2.0 }, Scores(RewardFunction.WeightedSum(
            (RewardFunction.Of((_, response) => response.Length), 0.5), (RewardFunction.Of((prompt, _) => prompt.Length), -2))));

    [TestMethod]
    public void A_reward_transformer_scores_as_its_model_does()
    {
        using RewardTransformer reward = _ml.Trl(
            ).RewardModel(Tiny.Source(), new RewardOptions { MaxSteps = 1 }).Fit(_ml.Data.LoadFromEnumerable(Tiny.Pairs));
        double[] expected = [.. reward.Model.Score(Prompts, Responses).Select(score => (double)score)];
        CollectionAssert.AreEqual(expected, Scores(RewardFunction.FromTransformer(reward)));
        CollectionAssert.AreEqual(expected, Scores(RewardFunction.FromModel(reward.Model)));
    }

    [TestMethod]
    public void Any_transformer_gives_a_column_or_a_slot_of_one()
    {
        ITransformer numbers = Lengths();
        CollectionAssert.AreEqual(new[] { 17.0, 7.0 }, Scores(RewardFunction.FromTransformer(numbers, "Length")), "both in one text");
        CollectionAssert.AreEqual(new[] { 9.0, 6.0 }, Scores(RewardFunction.FromTransformer(numbers, "Both", 1)), "second slot");
    }

    [TestMethod]
    public void A_column_that_is_missing_or_no_number_is_reported_before_training()
    {
        ITransformer numbers = Lengths();
        Assert.Contains(
            "Schema mismatch for reward column 'Score': expected a number, but there is no such column", Error(numbers, null, null));
        Assert.Contains("Schema mismatch for reward column 'Text': expected a number, got String.", Error(numbers, "Text", null));
        Assert.Contains(
            "Schema mismatch for reward column 'Both': expected a number, got Vector<Single, 2>.", Error(numbers, "Both", null));
        Assert.Contains(
            "Schema mismatch for reward column 'Length': expected a vector of Single or Double, since slot 0 was asked for, got "
            + "Single.", Error(numbers, "Length", 0));
    }

    [TestMethod]
    public void A_column_of_a_transformer_rewards_ppo()
    {
        var options = new PpoOptions { Steps = 4, BatchSize = 4, MiniBatchSize = 2, Generation = Tiny.Greedy };
        using TextGenerationTransformer ppo = _ml.Trl(
            ).Ppo(Tiny.Source(), RewardFunction.FromTransformer(Lengths(), "Length"), options).Fit(_ml.Data.LoadFromEnumerable(Tiny.Pairs));
        Close.Above(8, ppo.Reports[^1].Metrics["ppo/mean_scores"]);
    }

    private string Error(ITransformer transformer, string? column, int? slot) => Assert.Throws<ArgumentOutOfRangeException>(() =>
        _ml.Trl().Ppo(
            Tiny.Source(), RewardFunction.FromTransformer(transformer, column, slot)).Fit(_ml.Data.LoadFromEnumerable(Tiny.Pairs))).Message;

    private CustomMappingTransformer<Texts, Measured> Lengths() => _ml.Transforms.CustomMapping<Texts, Measured>((texts, measured) =>
    {
        measured.Length = texts.Text.Length;
        measured.Both = [texts.Prompt.Length, texts.Completion.Length];
    }, null).Fit(_ml.Data.LoadFromEnumerable(new[] { new Texts() }));

    private double[] Scores(RewardFunction reward)
    {
        reward.Check(_ml);
        return [.. reward.Score(_ml, Prompts, Responses, CancellationToken.None)];
    }

    private sealed class Texts
    {
        public string Prompt { get; set; } = "";

        public string Completion { get; set; } = "";

        public string Text { get; set; } = "";
    }

    private sealed class Measured
    {
        public float Length { get; set; }

        [VectorType(2)]
        public float[] Both { get; set; } = [];
    }
}
