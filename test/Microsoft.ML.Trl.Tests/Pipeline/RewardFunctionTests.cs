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
            new[] { 809.0, 106.0 },
            Scores(RewardFunction.Of((prompt, response) => (100 * prompt.Length) + response.Length)));

    [TestMethod]
    public void A_batch_function_sees_all_rows() =>
        CollectionAssert.AreEqual(
            new[] { 2.0, 2.0 },
            Scores(RewardFunction.OfBatch((prompts, responses) => [.. responses.Select(_ => (double)prompts.Count)])));

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
    public void Asynchronous_calls_are_at_most_as_many_as_asked_for()
    {
        int running = 0, most = 0;
        RewardFunction reward = RewardFunction.OfAsync(async (row, cancel) =>
        {
            InterlockedMax(ref most, Interlocked.Increment(ref running));
            await Task.Delay(5, cancel);
            Interlocked.Decrement(ref running);
            return row.Row;
        }, atOnce: 3);
        RewardRow[] rows = [.. Enumerable.Range(0, 20).Select(i => new RewardRow("", "", [], [], false, i, 1))];
        double?[] scores = [.. Asked.Of(reward, new RewardContext(_ml, Rows(), Tiny.Tokenizer), rows)];
        CollectionAssert.AreEqual(Enumerable.Range(0, 20).Select(i => (double?)i).ToArray(), scores);
        Assert.IsInRange(2, 3, most);
        Assert.Throws<ArgumentOutOfRangeException>(() => RewardFunction.OfAsync((_, _) => Task.FromResult(1.0), atOnce: 0));
    }

    [TestMethod]
    public void A_reward_sees_the_columns_of_its_row_and_the_step()
    {
        var seen = new List<(string Prompt, string Chosen, float Margin, int Step)>();
        RewardFunction reward = RewardFunction.Of<Expected>((expected, row) =>
        {
            seen.Add((row.Prompt, expected.Chosen, expected.Margin, row.Step));
            Assert.AreEqual(Tiny.Tokenizer.Decode([.. row.CompletionIds]), row.Completion);
            CollectionAssert.AreEqual(Tiny.Tokenizer.Encode(row.Prompt), row.PromptIds.ToArray());
            return expected.Margin;
        });
        Tiny.PairRow[] pairs = [new() { Prompt = "" }, .. Tiny.Pairs]; // the first has no token and is left out
        var options = new PpoOptions { Steps = 8, BatchSize = 4, MiniBatchSize = 2, Generation = Tiny.Greedy };
        using TextGenerationTransformer ppo = _ml.Trl().Ppo(Tiny.Source(), reward, options).Fit(_ml.Data.LoadFromEnumerable(pairs));
        CollectionAssert.AreEqual(new[] { 1, 1, 1, 1, 2, 2, 2, 2 }, seen.Select(row => row.Step).ToArray());
        foreach ((string prompt, string chosen, float margin, _) in seen)
        {
            Tiny.PairRow row = pairs.Single(pair => pair.Prompt == prompt);
            Assert.AreEqual((row.Chosen, row.Margin), (chosen, margin));
        }
        Assert.AreEqual(Tiny.Pairs.Average(pair => (double)pair.Margin), ppo.Reports[0].Metrics["env/reward_mean"], 1e-6);
    }

    [TestMethod]
    public void A_column_that_a_reward_reads_and_the_data_lack_is_named()
    {
        RewardFunction reward = RewardFunction.OfBatch<Unknown>((rows, _) => [.. rows.Select(_ => 1.0)]);
        reward = RewardFunction.WeightedSum((reward, 1));
        ArgumentException error = Assert.Throws<ArgumentException>(() => _ml.Trl().Ppo(Tiny.Source(), reward).Fit(Rows()));
        Assert.Contains(
            "reads rows as Unknown, which has a column 'Difficulty', but the data have none; their columns are Prompt", error.Message);
    }

    [TestMethod]
    public void A_reward_that_gives_null_is_told_so()
    {
        RewardFunction reward = RewardFunction.OfBatch((IReadOnlyList<RewardRow> _) => null!);
        RewardFunctionException error = Assert.Throws<RewardFunctionException>(() => _ml.Trl().Ppo(Tiny.Source(), reward).Fit(Rows()));
        Assert.Contains("the reward function gave null for 128 responses; it must give one for each.", error.Message);
        ((IDisposable)error.Model!).Dispose();
    }

    [TestMethod]
    public void A_pipeline_that_also_needs_a_label_says_which_part_asks_for_it()
    {
        Labelled[] texts = [new() { Text = "good", Label = "a" }, new() { Text = "bad", Label = "b" }];
        IDataView rows = _ml.Data.LoadFromEnumerable(texts);
        ITransformer classifier = _ml.Transforms.Conversion.MapValueToKey("Label")
            .Append(_ml.Transforms.Text.FeaturizeText("Features", "Text"))
            .Append(_ml.MulticlassClassification.Trainers.SdcaMaximumEntropy())
            .Fit(rows);
        RewardFunction reward = RewardFunction.FromTransformer(classifier, "Score", 0);
        ArgumentException error = Assert.Throws<ArgumentException>(() => _ml.Trl().Ppo(Tiny.Source(), reward).Fit(Rows()));
        Assert.Contains("The ValueToKeyMappingTransformer in the transformer given as reward cannot read completions", error.Message);
        Assert.Contains("It gets the columns Prompt, Completion, Text, Tools, ChatTemplateKwargs.", error.Message);
        Assert.Contains("fit a label's MapValueToKey apart", error.Message);
    }

    [TestMethod]
    public void A_weighted_sum_adds_up() =>
        CollectionAssert.AreEqual(
            new[] { 9 * 0.5 - 8 * 2.0, 6 * 0.5 - 1 * 2.0 },
            Scores(RewardFunction.WeightedSum(
                (RewardFunction.Of((_, response) => response.Length), 0.5),
                (RewardFunction.Of((prompt, _) => prompt.Length), -2))));

    [TestMethod]
    public void A_reward_transformer_scores_as_its_model_does()
    {
        using RewardTransformer reward = _ml.Trl().RewardModel(Tiny.Source(), new RewardOptions { MaxSteps = 1 }).Fit(Rows());
        double[] whole = [.. reward.Model.Score(Prompts, Responses).Select(score => (double)score)];
        CollectionAssert.AreEqual(whole, Scores(RewardFunction.FromTransformer(reward)), "texts, with an end token");
        TextTokenizer tokenizer = Tiny.Tokenizer;
        int[][] tokens =
            [.. Prompts.Zip(Responses, (prompt, response) => (int[])[.. tokenizer.Encode(prompt), .. tokenizer.Encode(response)])];
        double[] written = [.. reward.Model.Score(tokens).Select(score => (double)score)];
        CollectionAssert.AreEqual(written, Scores(RewardFunction.FromModel(reward.Model)), "the tokens that were written");
        CollectionAssert.AreNotEqual(whole, written);
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
            "Schema mismatch for reward column 'Score': expected a number, but there is no such column",
            Error(numbers, null, null));
        Assert.Contains(
            "Schema mismatch for reward column 'Text': expected a number, got String.",
            Error(numbers, "Text", null));
        Assert.Contains(
            "Schema mismatch for reward column 'Both': expected a number, got Vector<Single, 2>.",
            Error(numbers, "Both", null));
        Assert.Contains(
            "Schema mismatch for reward column 'Length': expected a vector of Single or Double, since slot 0 was asked for, got Single.",
            Error(numbers, "Length", 0));
    }

    [TestMethod]
    public void A_column_of_a_transformer_rewards_ppo()
    {
        var options = new PpoOptions { Steps = 4, BatchSize = 4, MiniBatchSize = 2, Generation = Tiny.Greedy };
        RewardFunction length = RewardFunction.FromTransformer(Lengths(), "Length");
        using TextGenerationTransformer ppo = _ml.Trl().Ppo(Tiny.Source(), length, options).Fit(Rows());
        Close.Above(8, ppo.Reports[^1].Metrics["ppo/mean_scores"]);
    }

    private IDataView Rows() => _ml.Data.LoadFromEnumerable(Tiny.Pairs);

    private string Error(ITransformer transformer, string? column, int? slot)
    {
        RewardFunction reward = RewardFunction.FromTransformer(transformer, column, slot);
        return Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Trl().Ppo(Tiny.Source(), reward).Fit(Rows())).Message;
    }

    private CustomMappingTransformer<Texts, Measured> Lengths() => _ml.Transforms.CustomMapping<Texts, Measured>((texts, measured) =>
    {
        measured.Length = texts.Text.Length;
        measured.Both = [texts.Prompt.Length, texts.Completion.Length];
    }, null).Fit(_ml.Data.LoadFromEnumerable(new[] { new Texts() }));

    private double[] Scores(RewardFunction reward)
    {
        IDataView data = Rows();
        reward.Check(_ml, data.Schema);
        RewardRow[] rows = [.. Prompts.Zip(Responses, (prompt, response) => new RewardRow(
            prompt, response, Tiny.Tokenizer.Encode(prompt), Tiny.Tokenizer.Encode(response), false, Array.IndexOf(Prompts, prompt), 1))];
        return [.. Asked.Of(reward, new RewardContext(_ml, data, Tiny.Tokenizer), rows).Select(score => score!.Value)];
    }

    private static void InterlockedMax(ref int most, int value)
    {
        for (int seen = most; value > seen; seen = most)
            Interlocked.CompareExchange(ref most, value, seen);
    }

    private sealed class Expected
    {
        public string Chosen { get; set; } = "";

        public float Margin { get; set; }
    }

    private sealed class Unknown
    {
        public float Difficulty { get; set; }
    }

    private sealed class Labelled
    {
        public string Text { get; set; } = "";

        public string Label { get; set; } = "";
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
