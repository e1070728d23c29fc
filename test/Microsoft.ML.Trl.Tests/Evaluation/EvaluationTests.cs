using Microsoft.ML.Data;
using Microsoft.ML.Trl.Evaluation;
using Microsoft.ML.Trl.Tests.TestSupport;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Evaluation;

/// <summary>Evaluation of models on data: figures worked out from whole logits, row by row.</summary>
[TestClass]
public sealed class EvaluationTests
{
    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void A_language_model_is_evaluated_by_loss_perplexity_and_token_accuracy()
    {
        using TextGenerationTransformer sft = Trained(3);
        double loss = 0, hits = 0;
        int tokens = 0;
        foreach (Tiny.PairRow row in Tiny.Pairs)
        {
            (int[] ids, int prompt) = Joined(row.Prompt, row.Completion);
            float[,] logProbs = LogProbs(sft.Model, ids);
            for (int t = prompt; t < ids.Length; t++, tokens++)
            {
                loss -= logProbs[t - 1, ids[t]];
                hits += Enumerable.Range(0, logProbs.GetLength(1)).MaxBy(id => logProbs[t - 1, id]) == ids[t] ? 1 : 0;
            }
        }
        LanguageModelMetrics found = _ml.Trl().EvaluateLanguageModel(sft, Rows());
        Close.Absolute(loss / tokens, found.Loss, 1e-5);
        Close.Absolute(Math.Exp(loss / tokens), found.Perplexity, 1e-3);
        Assert.AreEqual(hits / tokens, found.TokenAccuracy, 1e-9);
        Assert.AreEqual((tokens, 4), (found.Tokens, found.Rows));
        Close.Above(0, found.Entropy);
    }

    [TestMethod]
    public void Training_shows_in_the_evaluation_of_its_texts()
    {
        LanguageModelMetrics before = _ml.Trl().EvaluateLanguageModel(Tiny.Source(), Rows());
        using TextGenerationTransformer sft = Trained(40);
        LanguageModelMetrics after = _ml.Trl().EvaluateLanguageModel(sft, Rows());
        Close.Below(0.5 * before.Loss, after.Loss);
        Close.Above(before.TokenAccuracy, after.TokenAccuracy);
        LanguageModelMetrics whole = _ml.Trl().EvaluateLanguageModel(sft, Rows(), new SftOptions { CompletionOnlyLoss = false });
        Assert.IsGreaterThan(after.Tokens, whole.Tokens); // prompts count too
    }

    [TestMethod]
    public void Evaluation_works_on_splits_and_folds()
    {
        IDataView rows = _ml.Data.LoadFromEnumerable(Enumerable.Range(0, 20).Select(i => Tiny.Pairs[i % 4]).ToArray());
        DataOperationsCatalog.TrainTestData split = _ml.Data.TrainTestSplit(rows, 0.3, seed: 2);
        using TextGenerationTransformer sft = _ml.Trl().Sft(Tiny.Source(), new SftOptions { MaxSteps = 1 }).Fit(split.TrainSet);
        Assert.AreEqual(split.TestSet.GetColumn<string>("Prompt").Count(), _ml.Trl().EvaluateLanguageModel(sft, split.TestSet).Rows);
        int tested = 0;
        foreach (DataOperationsCatalog.TrainTestData fold in _ml.Data.CrossValidationSplit(rows, 3))
        {
            using RewardTransformer reward = _ml.Trl().RewardModel(Tiny.Source(), new RewardOptions { MaxSteps = 1 }).Fit(fold.TrainSet);
            tested += _ml.Trl().EvaluateRewardModel(reward, fold.TestSet).Pairs;
        }
        Assert.AreEqual(20, tested);
    }

    [TestMethod]
    public void A_reward_model_is_evaluated_by_accuracy_and_margin()
    {
        using RewardTransformer reward = _ml.Trl().RewardModel(Tiny.Source(), new RewardOptions { MaxSteps = 2 }).Fit(Rows());
        float[] chosen = reward.Model.Score([.. Tiny.Pairs.Select(row => row.Prompt)], [.. Tiny.Pairs.Select(row => row.Chosen)]);
        float[] rejected = reward.Model.Score([.. Tiny.Pairs.Select(row => row.Prompt)], [.. Tiny.Pairs.Select(row => row.Rejected)]);
        PreferenceMetrics found = _ml.Trl().EvaluateRewardModel(reward, Rows());
        Close.Absolute(chosen.Average() - rejected.Average(), found.Margin, 1e-5);
        Close.Absolute(chosen.Average(), found.ChosenMean, 1e-5);
        Close.Absolute(rejected.Average(), found.RejectedMean, 1e-5);
        Assert.AreEqual(chosen.Zip(rejected).Average(pair => pair.First > pair.Second ? 1.0 : 0), found.Accuracy, 1e-9);
    }

    [TestMethod]
    public void Preferences_of_a_policy_are_evaluated_against_a_reference()
    {
        using TextGenerationTransformer sft = Trained(3);
        using LanguageModel start = Tiny.Model();
        double Reward(string prompt, string answer) =>
            0.2 * (Total(sft.Model, prompt, answer) - Total(start, prompt, answer));
        double[] margins = [.. Tiny.Pairs.Select(row => Reward(row.Prompt, row.Chosen) - Reward(row.Prompt, row.Rejected))];
        PreferenceMetrics found = _ml.Trl().EvaluatePreferences(sft, Rows(), Tiny.Source(), new DpoOptions { Beta = 0.2 });
        Close.Absolute(margins.Average(), found.Margin, 1e-5);
        Assert.AreEqual(margins.Average(margin => margin > 0 ? 1.0 : 0), found.Accuracy, 1e-9);
        PreferenceMetrics itself = _ml.Trl().EvaluatePreferences(sft, Rows(), ModelSource.FromTransformer(sft));
        Assert.AreEqual((0.0, 0.0), (itself.Margin, itself.Accuracy));
    }

    [TestMethod]
    public void Generation_is_evaluated_by_score_distance_and_variety()
    {
        using TextGenerationTransformer sft = Trained(3);
        string[] texts = [.. sft.Model.Complete([.. Tiny.Pairs.Select(row => row.Prompt)])];
        GenerationMetrics found = _ml.Trl().EvaluateGeneration(
            sft, Rows(), RewardFunction.Of((_, completion) => completion.Length), Tiny.Source());
        Assert.AreEqual(texts.Average(text => (double)text.Length), found.MeanScore, 1e-9);
        Assert.AreEqual(4, found.Rows);
        using LanguageModel start = Tiny.Model();
        double kl = Tiny.Pairs.Average(row => Written(sft.Model, row.Prompt) is var ids
            ? Total(sft.Model, ids, Length(row.Prompt)) - Total(start, ids, Length(row.Prompt))
            : 0);
        Close.Absolute(kl, found.Kl, 1e-4);
        GenerationMetrics plain = _ml.Trl().EvaluateGeneration(Tiny.Source(), Rows());
        Assert.IsTrue(double.IsNaN(plain.MeanScore) && double.IsNaN(plain.Kl));
    }

    [TestMethod]
    public void The_reward_model_of_a_chain_scores_its_answers()
    {
        using var chain = _ml.Trl().Sft(Tiny.Source(), new SftOptions { MaxSteps = 1, Generation = Tiny.Greedy })
            .Append(_ml.Trl().RewardModel(new RewardOptions { MaxSteps = 1 }))
            .Append(_ml.Trl().Ppo(new PpoOptions { Steps = 2, BatchSize = 2, MiniBatchSize = 2, Generation = Tiny.Greedy }))
            .Fit(Rows());
        double expected = _ml.Data.CreateEnumerable<Tiny.ScoredAnswer>(chain.Transform(Rows()), false).Average(row => (double)row.Score);
        Close.Absolute(expected, _ml.Trl().EvaluateGeneration(chain, Rows()).MeanScore, 1e-5);
    }

    [TestMethod]
    public void Distinct_n_counts_runs_of_words()
    {
        Assert.AreEqual(3 / 5.0, WordRuns.Distinct(["a b a", "b  c\n"], 1)); // a, b, c of five words
        Assert.AreEqual(1.0, WordRuns.Distinct(["a b a", "b  c\n"], 2));     // a b, b a, b c
        Assert.AreEqual(0.5, WordRuns.Distinct(["a b", "a b"], 2));
        Assert.IsTrue(double.IsNaN(WordRuns.Distinct(["a", ""], 2)));
    }

    [TestMethod]
    public void Models_of_the_wrong_kind_and_other_vocabularies_are_refused()
    {
        using RewardTransformer reward = _ml.Trl().RewardModel(Tiny.Source(), new RewardOptions { MaxSteps = 1 }).Fit(Rows());
        using TextGenerationTransformer sft = Trained(1);
        Refused("holds no language model", () => _ml.Trl().EvaluateLanguageModel(reward, Rows()));
        Refused("holds a language model, which scores nothing", () => _ml.Trl().EvaluateRewardModel(sft, Rows()));
        ModelSource scorer = ModelSource.FromModel(reward.Model);
        Refused("holds a reward model, which writes nothing", () => _ml.Trl().EvaluateLanguageModel(scorer, Rows()));
        ModelSource wider = ModelSource.New(
            Tiny.Config() with { VocabularySize = Tiny.Tokenizer.VocabularySize + 8 }, Tiny.Tokenizer);
        Refused("both must read the same token ids", () => _ml.Trl().EvaluatePreferences(sft, Rows(), wider));
    }

    private static void Refused(string message, Action action) =>
        Assert.Contains(message, Assert.Throws<ArgumentException>(action).Message);

    private TextGenerationTransformer Trained(int steps) => _ml.Trl()
        .Sft(Tiny.Source(), new SftOptions { MaxSteps = steps, LearningRate = 1e-2, Generation = Tiny.Greedy }).Fit(Rows());

    private IDataView Rows() => _ml.Data.LoadFromEnumerable(Tiny.Pairs);

    private static int Length(string prompt) => Tiny.Tokenizer.Encode(prompt).Length;

    private static (int[] Ids, int Prompt) Joined(string prompt, string answer) =>
        ([.. Tiny.Tokenizer.Encode(prompt + answer), Tiny.Tokenizer.EosTokenId!.Value], Length(prompt));

    private static int[] Written(LanguageModel model, string prompt)
    {
        int[] ids = Tiny.Tokenizer.Encode(prompt);
        return [.. ids, .. new TokenGenerator(model.Network).Generate([ids], Tiny.Greedy).Tokens[0]];
    }

    private static double Total(LanguageModel model, string prompt, string answer)
    {
        (int[] ids, int length) = Joined(prompt, answer);
        return Total(model, ids, length);
    }

    private static double Total(LanguageModel model, int[] ids, int promptLength)
    {
        float[,] logProbs = LogProbs(model, ids);
        return Enumerable.Range(promptLength, ids.Length - promptLength).Sum(t => (double)logProbs[t - 1, ids[t]]);
    }

    /// <summary>[T, V] from whole logits.</summary>
    private static float[,] LogProbs(LanguageModel model, int[] ids)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        Tensor row = tensor(Array.ConvertAll(ids, id => (long)id)).unsqueeze(0);
        Tensor logits = model.Network.Logits(model.Network.Hidden(row)).squeeze(0).log_softmax(-1);
        float[] flat = logits.data<float>().ToArray();
        var table = new float[ids.Length, logits.shape[1]];
        Buffer.BlockCopy(flat, 0, table, 0, flat.Length * sizeof(float));
        return table;
    }
}
