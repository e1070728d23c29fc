using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Pipeline;

[TestClass]
public sealed class TextGenerationTests
{
    private static readonly GenerationOptions Sampling = new() { MaxNewTokens = 8, Seed = 7 };

    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void A_prompt_gets_the_same_answer_whatever_rows_stand_beside_it()
    {
        using TextGenerationTransformer transformer = New(Sampling);
        string[] prompts = ["the film", "a", "the plot was", "the film was good and", "a story"];
        string[] together = Answers(transformer, prompts);
        CollectionAssert.AreEqual(together, prompts.Select(prompt => Answers(transformer, [prompt])[0]).ToArray(), "alone");
        CollectionAssert.AreEqual(together.Reverse().ToArray(), Answers(transformer, [.. prompts.Reverse()]), "in another order");
        using var engine = _ml.Model.CreatePredictionEngine<Tiny.PromptRow, Tiny.Answer>(transformer.With(Sampling));
        string[] predicted = [.. prompts.Select(prompt => engine.Predict(new Tiny.PromptRow { Prompt = prompt }).Completion)];
        CollectionAssert.AreEqual(together, predicted, "by prediction engine");
        Assert.AreNotEqual(1, together.Distinct().Count());
    }

    [TestMethod]
    public void Another_seed_gives_other_answers()
    {
        using TextGenerationTransformer transformer = New(Sampling);
        string[] prompts = ["the film", "a", "the plot was"];
        CollectionAssert.AreNotEqual(Answers(transformer, prompts), Answers(transformer.With(Sampling with { Seed = 8 }), prompts));
    }

    [TestMethod]
    public void Splits_and_caches_see_the_answers_of_the_view()
    {
        using TextGenerationTransformer transformer = New(Sampling);
        IDataView answered = transformer.Transform(Prompts([.. Enumerable.Range(0, 12).Select(i => "the film " + i)]));
        Dictionary<string, string> expected = Pairs(answered);
        DataOperationsCatalog.TrainTestData split = _ml.Data.TrainTestSplit(answered, 0.4, seed: 3);
        IDataView[] parts =
        [
            split.TrainSet, split.TestSet,
            _ml.Data.Cache(answered), _ml.Data.ShuffleRows(answered, 5), _ml.Data.TakeRows(answered, 3),
        ];
        foreach (IDataView part in parts)
            foreach ((string prompt, string answer) in Pairs(part))
                Assert.AreEqual(expected[prompt], answer);
        Assert.AreEqual(12, Pairs(split.TrainSet).Count + Pairs(split.TestSet).Count);
        Assert.HasCount(3, answered.Preview(3).RowView);
    }

    [TestMethod]
    public void Nothing_is_generated_for_columns_that_nobody_reads()
    {
        using TextGenerationTransformer transformer = New(Tiny.Greedy);
        IDataView answered = transformer.With(Tiny.Greedy with { RefuseUnanswerablePrompts = true }).Transform(Prompts(["the film", ""]));
        Assert.AreEqual(2, answered.GetColumn<string>("Prompt").Count()); // the empty prompt would be an error
        Assert.AreEqual(2, answered.GetRowCount() ?? 2);
    }

    [TestMethod]
    public void Rows_that_cannot_be_answered_get_nothing_and_one_warning()
    {
        List<string> log = [];
        _ml.Log += (_, message) => log.Add(message.Message);
        using TextGenerationTransformer transformer = New(Tiny.Greedy);
        using RewardTransformer reward = _ml.Trl().RewardModel(Tiny.Source(), new RewardOptions { MaxSteps = 1 }).Fit(Rows());
        log.Clear();
        string longPrompt = string.Concat(Enumerable.Repeat(" good", 40));
        IDataView answered = transformer.Transform(reward.Transform(Prompts(["the film", "", "a", longPrompt])));
        Tiny.ScoredAnswer[] rows = [.. _ml.Data.CreateEnumerable<Tiny.ScoredAnswer>(answered, false)];
        CollectionAssert.AreEqual(Answers(transformer, ["the film", "a"]), new[] { rows[0].Completion, rows[2].Completion });
        CollectionAssert.AreEqual(new[] { "", "" }, new[] { rows[1].Completion, rows[3].Completion });
        CollectionAssert.AreEqual(new[] { false, true, false, true }, rows.Select(row => float.IsNaN(row.Score)).ToArray());
        string warning = log.Single(line => line.Contains("Kind=Warning", StringComparison.Ordinal));
        Assert.Contains("Row 1: the prompt is empty; it needs at least one token.", warning);
        Assert.Contains("Its completion is empty, and its score NaN", warning);
    }

    [TestMethod]
    public void Rows_that_cannot_be_answered_are_an_error_where_the_options_ask_for_it()
    {
        using TextGenerationTransformer transformer = New(Tiny.Greedy with { RefuseUnanswerablePrompts = true });
        ArgumentException empty = Assert.Throws<ArgumentException>(() => Answers(transformer, ["the film", ""]));
        Assert.Contains("Row 1: the prompt is empty", empty.Message);
        ArgumentException error = Assert.Throws<ArgumentException>(
            () => Answers(transformer, ["a", string.Concat(Enumerable.Repeat(" good", 40))]));
        Assert.Contains(
            "Row 1: the prompt is 40 tokens long and leaves no room for an answer within the model's context of 32", error.Message);
        Assert.Contains("Row 0: the prompt is empty", Assert.Throws<ArgumentException>(() => transformer.Model.Complete("")).Message);
    }

    [TestMethod]
    public void A_blank_prompt_is_a_prompt()
    {
        using TextGenerationTransformer transformer = New(Sampling);
        string[] answers = Answers(transformer, ["   ", " "]);
        Assert.IsGreaterThan(0, answers[0].Length);
        Assert.IsGreaterThan(0, answers[1].Length);
    }

    [TestMethod]
    public void A_reward_model_scores_text_without_a_token_with_nan()
    {
        CausalLanguageModel network = CausalLanguageModel.Create(Tiny.Config() with { EosTokenIds = [] }, 3);
        var model = new TextRewardModel(RewardModel.FromPolicy(network, 1), WithoutEnd());
        network.Dispose();
        using var transformer = new RewardTransformer(_ml, model, new RewardOptions().Output, []);
        IDataView texts = _ml.Data.LoadFromEnumerable(new[] { new Tiny.PairRow { Completion = "a" }, new Tiny.PairRow() });
        float[] scores = [.. transformer.Transform(texts).GetColumn<float>("Score")];
        CollectionAssert.AreEqual(new[] { false, true }, scores.Select(float.IsNaN).ToArray());
    }

    [TestMethod]
    public void A_cursor_that_generates_can_be_cancelled()
    {
        using TextGenerationTransformer transformer = New(Tiny.Greedy);
        using var cancel = new CancellationTokenSource();
        transformer.CancellationToken = cancel.Token;
        transformer.BatchSize = 1;
        IDataView answered = transformer.Transform(Prompts(["the film", "a"]));
        using DataViewRowCursor cursor = answered.GetRowCursor(answered.Schema);
        Assert.IsTrue(cursor.MoveNext());
        cancel.Cancel();
        Assert.Throws<OperationCanceledException>(() => cursor.MoveNext());
    }

    [TestMethod]
    public void A_prompt_column_of_numbers_is_an_error_that_names_both_types()
    {
        using TextGenerationTransformer transformer = New(Tiny.Greedy);
        IDataView numbers = _ml.Transforms.CopyColumns("Prompt", "Margin").Fit(Rows()).Transform(Rows());
        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(() => transformer.Transform(numbers));
        Assert.Contains("Schema mismatch for prompt column 'Prompt': expected Text, got Single.", error.Message);
    }

    [TestMethod]
    public void A_missing_prompt_column_is_an_error_that_names_those_there_are()
    {
        using TextGenerationTransformer transformer = New(Tiny.Greedy);
        IDataView without = _ml.Transforms.SelectColumns("Chosen", "Margin").Fit(Rows()).Transform(Rows());
        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(() => transformer.GetOutputSchema(without.Schema));
        Assert.Contains(
            "Schema mismatch for prompt column 'Prompt': expected Text, but there is no such column; the columns are Chosen, Margin.",
            error.Message);
    }

    [TestMethod]
    public void Stop_strings_end_an_answer()
    {
        using TextGenerationTransformer transformer = New(Tiny.Greedy with { MaxNewTokens = 20 });
        string whole = Answers(transformer, ["the film"])[0];
        string stop = whole[..2];
        string cut = Answers(transformer.With(Tiny.Greedy with { MaxNewTokens = 20, StopStrings = [stop] }), ["the film"])[0];
        Assert.IsLessThan(whole.Length, cut.Length);
        Assert.Contains(stop, cut);
    }

    [TestMethod]
    public void A_folder_in_hugging_face_layout_gives_the_same_model()
    {
        using TextGenerationTransformer transformer = New(Tiny.Greedy);
        DirectoryInfo folder = Directory.CreateTempSubdirectory("trl_test_");
        try
        {
            transformer.SaveHuggingFace(folder.FullName);
            using LanguageModel loaded = LanguageModel.Load(folder.FullName);
            Assert.AreEqual(Answers(transformer, ["the film"])[0], loaded.Complete("the film", Tiny.Greedy));
        }
        finally
        {
            folder.Delete(true);
        }
    }

    private TextGenerationTransformer New(GenerationOptions generation)
    {
        CausalLanguageModel network = CausalLanguageModel.Create(Tiny.Config() with { InitializerRange = 0.3 }, 3);
        return new(_ml, new LanguageModel(network, Tiny.Tokenizer, generation), "Completion", null, "Prompt", []);
    }

    private IDataView Prompts(string[] prompts) =>
        _ml.Data.LoadFromEnumerable(prompts.Select(prompt => new Tiny.PromptRow { Prompt = prompt }).ToArray());

    /// <summary>The tokenizer without the names of special tokens.</summary>
    private static TextTokenizer WithoutEnd() => TextTokenizer.FromFiles(
        Tiny.Tokenizer.Files().Where(file => file.Key == "tokenizer.json").ToDictionary());

    private IDataView Rows() => _ml.Data.LoadFromEnumerable(Tiny.Pairs);

    private string[] Answers(TextGenerationTransformer transformer, string[] prompts) =>
        [.. transformer.Transform(Prompts(prompts)).GetColumn<string>("Completion")];

    private static Dictionary<string, string> Pairs(IDataView view) =>
        view.GetColumn<string>("Prompt").Zip(view.GetColumn<string>("Completion")).ToDictionary(pair => pair.First, pair => pair.Second);
}
