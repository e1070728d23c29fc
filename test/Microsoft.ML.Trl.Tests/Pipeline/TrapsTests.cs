using Microsoft.Data.Analysis;
using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Pipeline;

/// <summary>The traps of the README, one test each: what happens, and that what it advises helps.</summary>
[TestClass]
public sealed class TrapsTests
{
    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void Loaders_of_text_strip_the_leading_blank_of_an_answer_unless_it_is_quoted() => InFile(path =>
    {
        File.WriteAllText(path, "Prompt\tCompletion\nthe film\t was good\nthe film\t\" was bad\"\n");
        string[] read = Column(_ml.Data.LoadFromTextFile<Line>(path, hasHeader: true, allowQuoting: true));
        CollectionAssert.AreEqual(new[] { "was good", " was bad" }, read);
        File.WriteAllText(path, "Prompt,Completion\nthe film, was good\nthe film,\" was bad\"\n");
        CollectionAssert.AreEqual(new[] { "was good", "was bad" }, Column(DataFrame.LoadCsv(path)), "LoadCsv strips quoted ones too");
        IDataView quoted = _ml.Data.LoadFromTextFile<Line>(path, separatorChar: ',', hasHeader: true, allowQuoting: true);
        CollectionAssert.AreEqual(new[] { "was good", " was bad" }, Column(quoted));
    });

    [TestMethod]
    public void Saved_text_breaks_rows_at_newlines_unless_lines_are_joined() => InFile(path =>
    {
        IDataView rows = _ml.Data.LoadFromEnumerable(new[] { new Line { Prompt = "two\nlines", Completion = " \"good\"" } });
        using (FileStream file = File.Create(path))
            _ml.Data.SaveAsText(rows, file);
        Assert.HasCount(2, Column(_ml.Data.LoadFromTextFile<Line>(path, hasHeader: true, allowQuoting: true)));
        var joined = new TextLoader.Options { HasHeader = true, AllowQuoting = true, ReadMultilines = true };
        CollectionAssert.AreEqual(new[] { " \"good\"" }, Column(_ml.Data.LoadFromTextFile<Line>(path, joined)));
        using (FileStream file = File.Create(path))
            _ml.Data.SaveAsBinary(rows, file);
        CollectionAssert.AreEqual(new[] { " \"good\"" }, Column(_ml.Data.LoadFromBinary(path)));
    });

    [TestMethod]
    public void A_generating_stage_runs_in_every_pass_unless_it_is_cached()
    {
        int calls = 0;
        var counted = _ml.Transforms.CustomMapping<Line, Line>((_, _) => calls++, null);
        var chain = counted.Append(_ml.Trl().TextGeneration(Tiny.Source(), Tiny.Greedy));
        IDataView rows = _ml.Data.LoadFromEnumerable(new[] { new Line { Prompt = "the film" } });
        IDataView answered = chain.Fit(rows).Transform(rows);
        Assert.AreEqual(2, CallsOfTwoPasses(answered));
        Assert.AreEqual(1, CallsOfTwoPasses(_ml.Data.Cache(answered)));

        int CallsOfTwoPasses(IDataView view)
        {
            calls = 0;
            CollectionAssert.AreEqual(Column(view), Column(view));
            return calls;
        }
    }

    [TestMethod]
    public void A_prediction_engine_disposes_its_transformer_unless_told_not_to()
    {
        IDataView rows = _ml.Data.LoadFromEnumerable(Tiny.Pairs);
        TextGenerationTransformer model = _ml.Trl().TextGeneration(Tiny.Source(), Tiny.Greedy).Fit(rows);
        var options = new PredictionEngineOptions { OwnsTransformer = false };
        using (_ml.Model.CreatePredictionEngine<Tiny.PromptRow, Tiny.Answer>(model, options))
            Assert.IsNotNull(model);
        Assert.IsNotNull(model.Model.Complete("a"));
        _ml.Model.CreatePredictionEngine<Tiny.PromptRow, Tiny.Answer>(model).Dispose();
        Assert.Throws<ObjectDisposedException>(() => model.Model.Complete("a"));
    }

    [TestMethod]
    public void SelectColumns_loses_the_model_with_its_column_unless_a_source_is_given()
    {
        IDataView rows = _ml.Data.LoadFromEnumerable(Tiny.Pairs);
        var start = _ml.Trl().TextGeneration(Tiny.Source(), outputColumnName: "Answer")
            .Append(_ml.Transforms.SelectColumns("Prompt", "Chosen", "Rejected"));
        var options = new DpoOptions { MaxSteps = 1 };
        Assert.Throws<InvalidOperationException>(() => start.Append(_ml.Trl().Dpo(options)).Fit(rows));
        start.Append(_ml.Trl().Dpo(Tiny.Source(), options)).Fit(rows).Dispose();
    }

    [TestMethod]
    public void A_label_key_makes_a_classifier_useless_as_reward_unless_it_is_fitted_apart()
    {
        Labelled[] texts = [new() { Text = "good", Label = "a" }, new() { Text = "bad", Label = "b" }];
        IDataView rows = _ml.Data.LoadFromEnumerable(texts);
        var key = _ml.Transforms.Conversion.MapValueToKey("Label");
        var scorer = _ml.Transforms.Text.FeaturizeText("Features", "Text")
            .Append(_ml.MulticlassClassification.Trainers.SdcaMaximumEntropy());
        var options = new PpoOptions { Steps = 2, BatchSize = 2, MiniBatchSize = 2, Generation = Tiny.Greedy };
        IDataView prompts = _ml.Data.LoadFromEnumerable(Tiny.Pairs);
        RewardFunction whole = RewardFunction.FromTransformer(key.Append(scorer).Fit(rows), "Score", slot: 0);
        Assert.Throws<ArgumentException>(() => _ml.Trl().Ppo(Tiny.Source(), whole, options).Fit(prompts));
        RewardFunction apart = RewardFunction.FromTransformer(scorer.Fit(key.Fit(rows).Transform(rows)), "Score", slot: 0);
        _ml.Trl().Ppo(Tiny.Source(), apart, options).Fit(prompts).Dispose();
    }

    private static string[] Column(IDataView view) => [.. view.GetColumn<string>("Completion")];

    private static void InFile(Action<string> body)
    {
        string path = Path.GetTempFileName();
        try
        {
            body(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private sealed class Line
    {
        [LoadColumn(0)]
        public string Prompt { get; set; } = "";

        [LoadColumn(1)]
        public string Completion { get; set; } = "";
    }

    private sealed class Labelled
    {
        public string Text { get; set; } = "";

        public string Label { get; set; } = "";
    }
}
