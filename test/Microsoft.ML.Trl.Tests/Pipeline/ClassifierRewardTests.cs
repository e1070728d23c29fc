using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Pipeline;

/// <summary>An ordinary ML.NET text classifier, trained in the same program, is the reward of PPO.</summary>
[TestClass]
public sealed class ClassifierRewardTests
{
    private static readonly Sentence[] Sentences =
    [
        new() { Text = "the film was good and warm", Label = true },
        new() { Text = "a good story", Label = true },
        new() { Text = "the plot was rich and good", Label = true },
        new() { Text = "the film was bad and cold", Label = false },
        new() { Text = "a bad story", Label = false },
        new() { Text = "the plot was thin", Label = false },
    ];

    private readonly MLContext _ml = new(1);

    [TestMethod]
    public void The_classifier_scores_what_the_policy_writes()
    {
        IDataView sentences = _ml.Data.LoadFromEnumerable(Sentences);
        ITransformer classifier = _ml.Transforms.Text.FeaturizeText("Features", nameof(Sentence.Text))
            .Append(_ml.BinaryClassification.Trainers.LbfgsLogisticRegression(l1Regularization: 0, l2Regularization: 0.01f)).Fit(sentences);
        PredictionEngine<Sentence, Judged> engine = _ml.Model.CreatePredictionEngine<Sentence, Judged>(classifier);
        double Judge(string text) => engine.Predict(new Sentence { Text = text }).Probability;
        Assert.IsGreaterThan(Judge("a bad story") + 0.5, Judge("a good story"), "the classifier learned nothing");

        double own = double.NaN;
        RewardFunction listener = RewardFunction.OfBatch((prompts, responses) => // adds nothing to the reward
        {
            own = prompts.Zip(responses, (prompt, response) => Judge(prompt + response)).Average();
            return new double[prompts.Count];
        });
        RewardFunction probability = RewardFunction.FromTransformer(classifier, nameof(Judged.Probability));
        RewardFunction reward = RewardFunction.WeightedSum((probability, 1), (listener, 1));
        List<(double Expected, double Reported)> steps = [];
        var progress = new Collected(report => steps.Add((own, report.Metrics["ppo/mean_scores"])));
        var options = new PpoOptions { Steps = 8, BatchSize = 4, MiniBatchSize = 2, Generation = Tiny.Greedy };
        using TextGenerationTransformer policy =
            _ml.Trl().Ppo(Tiny.Source(), reward, options, progress: progress).Fit(_ml.Data.LoadFromEnumerable(Tiny.Pairs));

        Assert.HasCount(2, steps);
        foreach ((double expected, double reported) in steps)
            Assert.AreEqual(expected, reported, 1e-6);
    }

    private sealed class Sentence
    {
        public string Text { get; set; } = "";

        public bool Label { get; set; }
    }

    private sealed class Judged
    {
        public float Probability { get; set; }
    }
}
