using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.UnpairedMethods;

/// <summary>The weights of unwanted completions whose prompts differ from those of wanted ones.</summary>
[TestClass]
public sealed class PromptDensityTests
{
    [TestMethod]
    public void The_classifier_stands_where_the_slope_of_its_objective_is_0()
    {
        var random = new Random(4);
        bool[] labels = [.. Enumerable.Range(0, 30).Select(row => row < 20)];
        float[][] features =
            [.. labels.Select(label => new[] { (float)random.NextDouble() + (label ? 0.4f : 0), (float)random.NextDouble() })];
        LogisticRegression classifier = LogisticRegression.Fit(features, labels);
        // ½|w|² + Σ s·(cross entropy): b has no ridge, so that the weighted residuals add up to 0; so do their products with x, less w
        double[] residuals =
            [.. features.Zip(labels, (x, label) => (label ? 30 / 40.0 : 30 / 20.0) * (classifier.Probability(x) - (label ? 1 : 0)))];
        Close.Absolute(0, residuals.Sum(), 1e-6, "slope of b");
        for (int i = 0; i < 2; i++)
        {
            float[] unit = new float[2];
            unit[i] = 1;
            double weight = Logit(classifier.Probability(unit)) - Logit(classifier.Probability(new float[2]));
            Close.Absolute(0, residuals.Zip(features, (residual, x) => residual * x[i]).Sum() + weight, 1e-6, "slope of w");
        }

        static double Logit(double p) => Math.Log(p / (1 - p));
    }

    [TestMethod]
    public void Unwanted_completions_weigh_by_how_likely_their_prompt_is_among_wanted_ones()
    {
        // wanted: 30 prompts at 1 and 10 at 0; unwanted: 10 at 1 and 30 at 0
        UnpairedExample[] examples =
            [.. Enumerable.Range(0, 80).Select(i => new UnpairedExample([1], [2], i < 40, [i < 30 || i is >= 40 and < 50 ? 1 : 0]))];
        float[] weights = PromptDensity.Weights(Rows(examples), new BcoOptions { PromptEmbeddingColumnName = "E", MinDensityRatio = 0.1 });
        foreach (float wanted in weights[..40])
            Assert.AreEqual(1, wanted);
        Close.Absolute(3, weights[40], 0.7, "likelier, less the ridge's pull");
        Close.Absolute(1.0 / 3, weights[79], 0.1, "less likely");
        float[] bounded = PromptDensity.Weights(
            Rows(examples), new BcoOptions { PromptEmbeddingColumnName = "E", MinDensityRatio = 0.9, MaxDensityRatio = 1.1 });
        Close.Absolute(1.1, bounded[40], 1e-6);
        Close.Absolute(0.9, bounded[79], 1e-6);
    }

    [TestMethod]
    public void What_cannot_be_told_apart_is_refused()
    {
        var options = new BcoOptions { PromptEmbeddingColumnName = "E" };
        string Message(UnpairedExample[] examples) =>
            Assert.ThrowsExactly<ArgumentException>(() => PromptDensity.Weights(Rows(examples), options)).Message;
        Assert.Contains("All completions are wanted", Message([new([1], [2], true, [1])]));
        Assert.Contains("All completions are unwanted", Message([new([1], [2], false, [1])]));
        string notFinite = Message([new([1], [2], true, [1]), new([1], [2], false, [float.NaN])]);
        Assert.Contains("Completion 1", notFinite);
        Assert.Contains("'E' is empty or holds a number that is not finite", notFinite);
    }

    [TestMethod]
    public void Held_out_prompts_are_weighed_by_what_was_learnt_from_the_others()
    {
        UnpairedExample[] Rows(int count) =>
            [.. Enumerable.Range(0, count).Select(i => new UnpairedExample([1], [2], i % 2 == 0, [i % 4 < 2 ? i % 3 : 1]))];
        var options = new BcoOptions { PromptEmbeddingColumnName = "E", MinDensityRatio = 0.01 };
        UnpairedExample[] examples = Rows(40), others = [.. Rows(9).Reverse()];
        float[] alone = PromptDensity.Weights(new(examples, null), options), both = PromptDensity.Weights(new(examples, others), options);
        CollectionAssert.AreEqual(alone, both[..40]);
        CollectionAssert.AreEqual(alone[..9].Reverse().ToArray(), both[40..]);
        UnpairedExample[] wide = [new([1], [2], true, [1, 2])];
        Assert.Contains(
            "EvaluationData: A vector in the column 'E' has 2 numbers, those of the training data have 1; give vectors of one length.",
            Assert.ThrowsExactly<ArgumentException>(() => PromptDensity.Weights(new(examples, wide), options)).Message);
    }

    private static StageRows<UnpairedExample> Rows(IReadOnlyList<UnpairedExample> examples) => new(examples, null);
}
