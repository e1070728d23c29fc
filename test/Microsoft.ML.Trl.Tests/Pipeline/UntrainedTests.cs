using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Pipeline;

/// <summary>A folder or a trained session becomes a transformer without training, and is saved beside the file.</summary>
[TestClass]
public sealed class UntrainedTests
{
    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void Beams_and_a_constraint_go_into_the_zip_and_act_after_loading()
    {
        GenerationOptions generation = new()
        {
            DoSample = false, MaxNewTokens = 12, NumBeams = 3, EarlyStopping = EarlyStopping.True, BadWordsIds = [[3], [4, 5]],
            EosTokenIds = [], Constraint = TextConstraint.Regex("(good|bad){2}!"),
        };
        using TextGenerationTransformer transformer = _ml.Trl().TextGeneration(Tiny.Source(), generation).Fit(Rows());
        using var zip = new MemoryStream();
        _ml.Model.Save(transformer, Rows().Schema, zip);
        zip.Position = 0;
        using var loaded = (TextGenerationTransformer)_ml.Model.Load(zip, out _);
        Assert.AreEqual(generation.Constraint, loaded.Generation.Constraint);
        string[] before = [.. transformer.Transform(Rows()).GetColumn<string>("Completion")];
        CollectionAssert.AreEqual(before, loaded.Transform(Rows()).GetColumn<string>("Completion").ToArray());
        Assert.IsTrue(before.All(generation.Constraint.Matches), string.Join('|', before));
    }

    [TestMethod]
    public void A_folder_answers_without_training_and_goes_into_a_zip() => InFolder(folder =>
    {
        using LanguageModel model = Tiny.Model();
        model.Save(folder);
        using TextGenerationTransformer transformer = _ml.Trl().TextGeneration(ModelSource.Folder(folder), Tiny.Greedy).Fit(Rows());
        string[] expected = [.. model.Complete([.. Tiny.Pairs.Select(row => row.Prompt)], Tiny.Greedy)];
        CollectionAssert.AreEqual(expected, transformer.Transform(Rows()).GetColumn<string>("Completion").ToArray());
        string zip = Path.Combine(folder, "model.zip");
        _ml.Trl().Save(transformer, Rows().Schema, zip);
        ITransformer loaded = _ml.Model.Load(zip, out DataViewSchema schema);
        Assert.IsNotNull(schema.GetColumnOrNull("Prompt"));
        CollectionAssert.AreEqual(expected, loaded.Transform(Rows()).GetColumn<string>("Completion").ToArray());
        ((IDisposable)loaded).Dispose();
    });

    [TestMethod]
    public void A_trained_session_becomes_a_transformer()
    {
        using LanguageModel model = Tiny.Model();
        var options = new PpoOptions { BatchSize = 2, MiniBatchSize = 2, LearningRate = 1e-2 };
        using (var session = new PpoSession(model.Network, options))
            session.Step([[1, 2], [3]], [[4, 5], [6]], [1, -1]);
        using TextGenerationTransformer transformer = _ml.Trl()
            .TextGeneration(ModelSource.FromModel(model), Tiny.Greedy, "Answer", "Chosen")
            .Fit(Rows());
        string expected = model.Complete(Tiny.Pairs[0].Chosen, Tiny.Greedy);
        Assert.AreEqual(expected, transformer.Transform(Rows()).GetColumn<string>("Answer").First());
        model.Dispose();
        Assert.AreEqual(4, transformer.Transform(Rows()).GetColumn<string>("Answer").Count()); // it has weights of its own
    }

    [TestMethod]
    public void A_policy_and_a_reward_model_chain_without_training() => InFolder(folder =>
    {
        using RewardTransformer trained = _ml.Trl().RewardModel(Tiny.Source(), new RewardOptions { MaxSteps = 2 }).Fit(Rows());
        trained.SaveHuggingFace(folder);
        using var chain = _ml.Trl().TextGeneration(Tiny.Source(), Tiny.Greedy)
            .Append(_ml.Trl().RewardScoring(ModelSource.Folder(folder)))
            .Fit(Rows());
        Tiny.ScoredAnswer[] rows = [.. _ml.Data.CreateEnumerable<Tiny.ScoredAnswer>(chain.Transform(Rows()), false)];
        float[] expected = trained.Model.Score([.. Tiny.Pairs.Select(row => row.Prompt)], [.. rows.Select(row => row.Completion)]);
        Close.Absolute(expected, rows.Select(row => row.Score).ToArray(), 1e-6);
        using var ppo = _ml.Trl().TextGeneration(Tiny.Source())
            .Append(_ml.Trl().RewardScoring(ModelSource.FromTransformer(trained)))
            .Append(_ml.Trl().Ppo(new PpoOptions { Steps = 2, BatchSize = 2, MiniBatchSize = 2, Generation = Tiny.Greedy }))
            .Fit(Rows());
        Assert.HasCount(1, ppo.LastTransformer.Reports);
    });

    [TestMethod]
    public void A_policy_does_not_score_and_a_reward_model_does_not_write()
    {
        using RewardTransformer reward = _ml.Trl().RewardModel(Tiny.Source(), new RewardOptions { MaxSteps = 1 }).Fit(Rows());
        Refused("holds a language model, which scores nothing", () => _ml.Trl().RewardScoring(Tiny.Source()).Fit(Rows()));
        Refused(
            "holds a reward model, which writes nothing", () => _ml.Trl().TextGeneration(ModelSource.FromModel(reward.Model)).Fit(Rows()));
        Refused("outputColumnName is empty", () => _ml.Trl().TextGeneration(Tiny.Source(), outputColumnName: " "));
        Refused("completionColumnName is empty", () => _ml.Trl().RewardScoring(Tiny.Source(), completionColumnName: ""));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Trl().TextGeneration(Tiny.Source(), promptColumnName: "Nobody").Fit(Rows()));
        Assert.Throws<ArgumentOutOfRangeException>(
            () => _ml.Trl().RewardScoring(ModelSource.FromTransformer(reward), promptColumnName: "Nobody").Fit(Rows()));
        Assert.Throws<ArgumentNullException>(() => _ml.Trl().TextGeneration(null!));
        Assert.Throws<ArgumentNullException>(() => ModelSource.FromModel((LanguageModel)null!));
        Assert.Throws<ArgumentNullException>(() => ModelSource.FromModel((TextRewardModel)null!));
    }

    [TestMethod]
    public void A_save_that_fails_leaves_the_older_file_whole() => InFolder(folder =>
    {
        string path = Path.Combine(folder, "model.zip");
        File.WriteAllText(path, "older");
        TextGenerationTransformer sft = _ml.Trl().Sft(Tiny.Source(), new SftOptions { MaxSteps = 1 }).Fit(Rows());
        sft.Dispose();
        Assert.Throws<ObjectDisposedException>(() => _ml.Trl().Save(sft, Rows().Schema, path));
        Assert.AreEqual("older", File.ReadAllText(path));
        CollectionAssert.AreEqual(new[] { path }, Directory.GetFiles(folder), "nothing unfinished is left");
        Assert.Throws<DirectoryNotFoundException>(() => _ml.Trl().Save(sft, null, Path.Combine(folder, "none", "model.zip")));
        Assert.Throws<ArgumentNullException>(() => _ml.Trl().Save(null!, null, path));
        Assert.Throws<ArgumentException>(() => _ml.Trl().Save(sft, null, ""));
    });

    private static void Refused(string message, Action action) =>
        Assert.Contains(message, Assert.Throws<ArgumentException>(action).Message);

    private static void InFolder(Action<string> body)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("trl_test_");
        try
        {
            body(folder.FullName);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private IDataView Rows() => _ml.Data.LoadFromEnumerable(Tiny.Pairs);
}
