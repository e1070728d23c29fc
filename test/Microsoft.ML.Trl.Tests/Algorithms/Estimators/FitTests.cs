using Microsoft.ML.Data;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms.Estimators;

[TestClass]
public sealed class FitTests
{
    private static readonly SftOptions TwoSteps = new() { MaxSteps = 2, LearningRate = 1e-2 };

    private static readonly PpoOptions OneStep = new()
    {
        Steps = 4,
        BatchSize = 4,
        MiniBatchSize = 2,
        LearningRate = 1e-3,
        Generation = Tiny.Greedy,
    };

    private readonly MLContext _ml = new(1);

    private IDataView Rows => _ml.Data.LoadFromEnumerable(Tiny.Pairs);

    [TestMethod]
    public void Two_fits_with_the_same_seed_give_equal_weights()
    {
        SftTrainer sft = _ml.Trl().Sft(Tiny.Source(), TwoSteps);
        using TextGenerationTransformer first = sft.Fit(Rows), second = sft.Fit(Rows);
        CollectionAssert.AreEqual(Weights(first), Weights(second));
        PpoTrainer ppo = _ml.Trl().Ppo(Tiny.Source(), RewardFunction.Of((_, response) => response.Length), OneStep);
        using TextGenerationTransformer third = ppo.Fit(Rows), fourth = ppo.Fit(Rows);
        CollectionAssert.AreEqual(Weights(third), Weights(fourth));
        CollectionAssert.AreNotEqual(Weights(first), Weights(third));
    }

    [TestMethod]
    public void Another_seed_gives_other_weights()
    {
        SftOptions options = TwoSteps with { PerDeviceTrainBatchSize = 2 };
        using TextGenerationTransformer first = _ml.Trl().Sft(Tiny.Source(), options).Fit(Rows);
        using TextGenerationTransformer second = _ml.Trl().Sft(Tiny.Source(), options with { Seed = 5 }).Fit(Rows);
        CollectionAssert.AreNotEqual(Weights(first), Weights(second));
        using RewardTransformer third = _ml.Trl().RewardModel(Tiny.Source(), new RewardOptions { MaxSteps = 1 }).Fit(Rows);
        using RewardTransformer fourth = _ml.Trl().RewardModel(Tiny.Source(), new RewardOptions { MaxSteps = 1, Seed = 5 }).Fit(Rows);
        CollectionAssert.AreNotEqual(Values(third.Model.Network.Weights()), Values(fourth.Model.Network.Weights()));
    }

    [TestMethod]
    public void What_a_stage_starts_from_stays_as_it_was()
    {
        using TextGenerationTransformer sft = _ml.Trl().Sft(Tiny.Source(), TwoSteps).Fit(Rows);
        float[] before = Weights(sft);
        ModelSource source = ModelSource.FromTransformer(sft);
        using TextGenerationTransformer dpo = _ml.Trl().Dpo(source, new DpoOptions { MaxSteps = 2, LearningRate = 1e-2 }).Fit(Rows);
        using TextGenerationTransformer ppo = _ml.Trl().Ppo(source, RewardFunction.Of((_, _) => 1), OneStep).Fit(Rows);
        using RewardTransformer reward = _ml.Trl().RewardModel(source, new RewardOptions { MaxSteps = 2 }).Fit(Rows);
        CollectionAssert.AreEqual(before, Weights(sft));
        CollectionAssert.AreNotEqual(before, Weights(dpo));
        CollectionAssert.AreNotEqual(before, Weights(ppo));
    }

    [TestMethod]
    public void A_stage_starts_from_the_nearest_policy_upstream()
    {
        using var chain = _ml.Trl().Sft(Tiny.Source(seed: 1), TwoSteps)
            .Append(_ml.Trl().Sft(Tiny.Source(seed: 2), TwoSteps))
            .Append(_ml.Trl().Dpo(new DpoOptions { MaxSteps = 1, LearningRate = 1e-9 }))
            .Fit(Rows);
        float[][] weights = [.. chain.OfType<TextGenerationTransformer>().Select(Weights)];
        Close.Absolute(weights[1], weights[2], 1e-6, "the second");
        Close.Differ(weights[0], weights[2], 0.1, "not the first");
    }

    [TestMethod]
    public void The_model_travels_through_caching_and_other_transforms()
    {
        using var chain = _ml.Trl().Sft(Tiny.Source(), TwoSteps).AppendCacheCheckpoint(_ml)
            .Append(_ml.Transforms.CopyColumns("Copy", "Prompt"))
            .Append(_ml.Trl().RewardModel(new RewardOptions { MaxSteps = 1 }))
            .Append(_ml.Trl().Ppo(OneStep))
            .Fit(Rows);
        Assert.IsNotNull(chain.LastTransformer);
    }

    [TestMethod]
    public void After_ppo_score_is_the_reward_models_score_of_the_new_completion()
    {
        using var chain = _ml.Trl().Sft(Tiny.Source(), TwoSteps with { Generation = Tiny.Greedy })
            .Append(_ml.Trl().RewardModel(new RewardOptions { MaxSteps = 2 }))
            .Append(_ml.Trl().Ppo(OneStep))
            .Fit(Rows);
        TextRewardModel reward = chain.OfType<RewardTransformer>().Single().Model;
        Tiny.ScoredAnswer[] answers = [.. _ml.Data.CreateEnumerable<Tiny.ScoredAnswer>(chain.Transform(Rows), false)];
        string[] expected = [.. chain.LastTransformer.Model.Complete([.. Tiny.Pairs.Select(row => row.Prompt)])];
        CollectionAssert.AreEqual(expected, answers.Select(answer => answer.Completion).ToArray());
        float[] scores = reward.Score([.. Tiny.Pairs.Select(row => Written(chain.LastTransformer.Model, row.Prompt))]);
        CollectionAssert.AreEqual(scores, answers.Select(answer => answer.Score).ToArray());
    }

    [TestMethod]
    public void Columns_of_training_are_not_needed_to_answer()
    {
        using var chain = _ml.Trl().Sft(Tiny.Source(), TwoSteps with { Generation = Tiny.Greedy })
            .Append(_ml.Trl().RewardModel(new RewardOptions { MaxSteps = 1 }))
            .Append(_ml.Trl().Dpo(new DpoOptions { MaxSteps = 1 }))
            .Fit(Rows);
        using var engine = _ml.Model.CreatePredictionEngine<Tiny.PromptRow, Tiny.ScoredAnswer>(chain);
        Tiny.ScoredAnswer answer = engine.Predict(new Tiny.PromptRow { Prompt = "the film" });
        Assert.AreEqual(chain.LastTransformer.Model.Complete("the film"), answer.Completion);
        Assert.IsTrue(float.IsFinite(answer.Score));
    }

    [TestMethod]
    public void A_stage_may_have_data_of_its_own()
    {
        IDataView texts = _ml.Data.LoadFromEnumerable(new[] { new { Text = "the film was good" }, new { Text = "a bad story" } });
        IDataView prompts = _ml.Data.LoadFromEnumerable(new[] { new Tiny.PromptRow { Prompt = "the film" } });
        using var chain = _ml.Trl().Sft(Tiny.Source(), TwoSteps, trainingData: texts)
            .Append(_ml.Trl().RewardModel(new RewardOptions { MaxSteps = 1 }, trainingData: Rows))
            .Append(_ml.Trl().Ppo(OneStep))
            .Fit(prompts);
        Assert.AreEqual(1, chain.Transform(prompts).GetColumn<float>("Score").Count());
    }

    [TestMethod]
    public void A_reward_model_on_whole_texts_joins_prompt_and_completion()
    {
        IDataView pairs = _ml.Transforms.SelectColumns("Chosen", "Rejected").Fit(Rows).Transform(Rows);
        using RewardTransformer reward = _ml.Trl().RewardModel(Tiny.Source(), new RewardOptions { MaxSteps = 1 }).Fit(pairs);
        Assert.IsTrue(reward.ReadsWholeTexts);
        IDataView parts = _ml.Data.LoadFromEnumerable(new[] { new { Prompt = "the film", Completion = " was good" } });
        IDataView whole = _ml.Data.LoadFromEnumerable(new[] { new { Completion = "the film was good" } });
        float[] joined = [.. reward.Transform(parts).GetColumn<float>("Score")];
        float[] alone = [.. reward.Transform(whole).GetColumn<float>("Score")];
        CollectionAssert.AreEqual(alone, joined);
    }

    [TestMethod]
    public void A_reward_stage_without_completions_still_serves_ppo()
    {
        using var chain = _ml.Trl().RewardModel(Tiny.Source(), new RewardOptions { MaxSteps = 1 })
            .Append(_ml.Trl().Ppo(Tiny.Source(), options: OneStep))
            .Fit(_ml.Transforms.DropColumns("Completion").Fit(Rows).Transform(Rows));
        IDataView prompts = _ml.Data.LoadFromEnumerable(new[] { new Tiny.PromptRow { Prompt = "the film" } });
        Assert.IsTrue(float.IsFinite(chain.Transform(prompts).GetColumn<float>("Score").Single()));
        ArgumentOutOfRangeException error = Assert.Throws<ArgumentOutOfRangeException>(
            () => chain.First().Transform(prompts).GetColumn<float>("Score").ToArray());
        Assert.Contains("Schema mismatch for completion column 'Completion': expected Text, but there is no such column", error.Message);
    }

    [TestMethod]
    public void Training_moves_probability_to_what_was_shown()
    {
        using TextGenerationTransformer sft = _ml.Trl()
            .Sft(Tiny.Source(), new SftOptions { MaxSteps = 60, LearningRate = 2e-2, Generation = Tiny.Greedy })
            .Fit(Rows);
        Assert.AreEqual(" good story", sft.Model.Complete("a"));
        Assert.AreEqual(" was rich", sft.Model.Complete("the plot"));
        Close.Below(0.2 * sft.Reports[0].Metrics["loss"], sft.Reports[^1].Metrics["loss"]);
    }

    [TestMethod]
    public void Bfloat16_trains_and_answers()
    {
        using TextGenerationTransformer sft = _ml.Trl()
            .Sft(Tiny.Source(), TwoSteps with { Bf16 = true, Generation = Tiny.Greedy })
            .Fit(Rows);
        Assert.AreEqual(ScalarType.BFloat16, sft.Model.Network.Type);
        Assert.IsGreaterThan(0, sft.Model.Complete("the film").Length);
    }

    /// <summary>The prompt and the very tokens that are written after it.</summary>
    private static int[] Written(LanguageModel model, string prompt)
    {
        int[] ids = model.Tokenizer.Encode(prompt, addSpecialTokens: true);
        GenerationResult result = new TokenGenerator(model.Network).Generate([ids], model.Generation with { StopStrings = [] });
        return [.. ids, .. result.Tokens[0]];
    }

    private static float[] Weights(TextGenerationTransformer transformer) => Values(transformer.Model.Network.Weights());

    private static float[] Values(IEnumerable<(string Name, Tensor Value)> weights) =>
        [.. weights.SelectMany(weight => weight.Value.data<float>().ToArray())];
}
