using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Rollouts;

/// <summary>Numbers are those of TRL's functions, run on the same completions.</summary>
[TestClass]
public sealed class RewardFunctionsTests
{
    private const double Tolerance = 1e-15;

    private readonly MLContext _ml = new(1);

    [TestMethod]
    [DataRow(0, 1.0, -1.0)]
    [DataRow(1, 0.999876640091433, -0.999876640091433)]
    [DataRow(25, 0.9267766952966369, -0.9267766952966369)]
    [DataRow(33, 0.8772603539375928, -0.8772603539375928)]
    [DataRow(50, 0.75, -0.75)]
    [DataRow(75, 0.5732233047033631, -0.5732233047033631)]
    [DataRow(100, 0.5, -0.5)]
    [DataRow(200, 0.5, -0.5)]
    public void Cosine_scaled(int tokens, double right, double wrong) => Cosine(RewardFunctions.CosineScaled(100), tokens, right, wrong);

    [TestMethod]
    [DataRow(0, 2.0, -3.0)]
    [DataRow(1, 1.9071583136585177, -2.863832193365826)]
    [DataRow(2, 1.6470216892425626, -2.4822984775557586)]
    [DataRow(5, 0.47797831075743735, -0.7677015224442415)]
    [DataRow(7, 0.125, -0.25)]
    public void Cosine_scaled_between_other_values(int tokens, double right, double wrong) =>
        Cosine(RewardFunctions.CosineScaled(7, -3, -0.25, 0.125, 2), tokens, right, wrong);

    [TestMethod]
    [DataRow(3, -1.0, new[] { 1, 2, 3, 1, 2, 3, 1, 2, 3 }, -0.5714285714285714)]
    [DataRow(3, -1.0, new[] { 7, 7, 7, 7, 7, 7, 7, 7, 7, 7 }, -0.875)]
    [DataRow(2, -1.0, new[] { 5, 5, 5, 5, 5 }, -0.75)]
    [DataRow(2, -0.5, new[] { 1, 2, 1, 2, 1, 2 }, -0.3)]
    [DataRow(1, -2.0, new[] { 1, 1, 2, 3, 3 }, -0.8)]
    [DataRow(3, -1.0, new[] { 1, 2 }, 0.0)]
    [DataRow(3, -1.0, new int[0], 0.0)]
    [DataRow(3, -1.0, new[] { 1, 2, 3 }, 0.0)]
    [DataRow(4, -1.0, new[] { 1, 2, 3, 4, 5, 1, 2, 3, 4, 9 }, -0.1428571428571429)]
    public void Repetition_penalty(int size, double penalty, int[] tokens, double expected) => Close.Absolute(
        expected,
        Asked.Of(RewardFunctions.RepetitionPenalty(size, penalty), Asked.Row("") with { CompletionIds = tokens })[0]!.Value,
        Tolerance);

    [TestMethod]
    [DataRow(100, 20, new[] { 0, 80, 81, 90, 99, 100, 101, 110 }, new[] { 0, 0, -0.05, -0.5, -0.95, -1, -1, -1 })]
    [DataRow(100, 0, new[] { 0, 99, 100, 101 }, new[] { 0.0, 0, 0, -1 })]
    [DataRow(10, 10, new[] { 0, 1, 5, 10, 46 }, new[] { 0, -0.1, -0.5, -1, -1 })]
    [DataRow(53, 7, new[] { 46, 47, 50, 53, 54 }, new[] { 0, -0.14285714285714285, -0.5714285714285714, -1, -1 })]
    public void Soft_overlong_punishment(int most, int cache, int[] lengths, double[] expected)
    {
        RewardRow[] rows = [.. lengths.Select(length => Asked.Row("", length))];
        double[] scores = [.. Asked.Of(RewardFunctions.SoftOverlongPunishment(most, cache), rows).Select(score => score!.Value)];
        Close.Absolute(expected, scores, Tolerance);
    }

    [TestMethod]
    public void Think_format()
    {
        string[] completions =
        [
            "<think>a</think>b", "<think></think>", "<think>a", "a</think>b", " <think>a</think>", "<think>a<think>b</think>",
            "<think>a</think><think>b</think>", "<think>\nx\n</think>\ny\n", "<think>x</think>", "", "<think>a</think></think>b",
        ];
        CollectionAssert.AreEqual(
            new double?[] { 1, 1, 0, 0, 0, 0, 0, 1, 1, 0, 1 },
            Asked.Of(RewardFunctions.ThinkFormat(), [.. completions.Select(completion => Asked.Row(completion))]));
    }

    [TestMethod]
    public void Accuracy_reads_the_solution_of_the_row()
    {
        string[] solutions = [@"\frac{63}{400}", "63/400", "forty two", "6"];
        string[] completions = [@"so \boxed{\frac{63}{400}}", @"\boxed{\frac{64}{400}}", @"\boxed{42}", "6"];
        CollectionAssert.AreEqual(new double?[] { 1, 0, null, 0 }, Scores(RewardFunctions.Accuracy(), solutions, completions));
    }

    [TestMethod]
    public void Reasoning_accuracy_looks_after_the_reasoning()
    {
        string[] solutions = ["2", "2", "2", "2", "no number", "no number"];
        string[] completions =
        [
            @"<think>\boxed{1}</think> \boxed{2}", @"<think>\boxed{2}</think> none", @"\boxed{2}", @"a</think>\boxed{1}</think>\boxed{2}",
            @"x</think>\boxed{2}", @"\boxed{2}",
        ];
        CollectionAssert.AreEqual(
            new double?[] { 1, 0, 0, 1, null, 0 }, Scores(RewardFunctions.ReasoningAccuracy(), solutions, completions));
        string[] marked = [@"a [B] \boxed{1} [A] \boxed{2} [B] \boxed{3}"];
        CollectionAssert.AreEqual(
            new double?[] { 0 }, Scores(RewardFunctions.ReasoningAccuracy(reasoningDelimiters: ["[A]", "[B]"]), ["3"], marked));
        CollectionAssert.AreEqual(
            new double?[] { 1 }, Scores(RewardFunctions.ReasoningAccuracy(reasoningDelimiters: ["[B]", "[A]"]), ["3"], marked));
    }

    [TestMethod]
    public void They_are_called_as_in_trl_and_name_a_missing_column()
    {
        RewardFunction[] all =
        [
            RewardFunctions.Accuracy(), RewardFunctions.ReasoningAccuracy(), RewardFunctions.CosineScaled(1), RewardFunctions.ThinkFormat(),
            RewardFunctions.RepetitionPenalty(), RewardFunctions.SoftOverlongPunishment(2, 1),
        ];
        CollectionAssert.AreEqual(
            new[]
            {
                "accuracy_reward", "reasoning_accuracy_reward", "cosine_scaled_reward", "think_format_reward", "repetition_penalty_reward",
                "soft_overlong_punishment_reward",
            },
            all.Select(reward => reward.Name).ToArray());
        DataViewSchema schema = _ml.Data.LoadFromEnumerable(Tiny.Pairs).Schema;
        ArgumentException error = Assert.Throws<ArgumentException>(() => RewardFunctions.Accuracy("Gold").Check(_ml, schema));
        Assert.Contains("Schema mismatch for solution column 'Gold': expected Text, but there is no such column", error.Message);
        Assert.Contains("Set solutionColumnName to the column that is meant, or add it.", error.Message);
    }

    private void Cosine(RewardFunction reward, int tokens, double right, double wrong)
    {
        RewardRow[] rows =
        [
            Asked.Row(@"\boxed{1}", tokens), Asked.Row(@"\boxed{2}", tokens, row: 1), Asked.Row(@"\boxed{42}", tokens, row: 2),
        ];
        double?[] scores = Asked.Of(reward, Context(["1", "1", "forty two"]), rows);
        Close.Absolute([right, wrong], [scores[0]!.Value, scores[1]!.Value], Tolerance);
        Assert.IsNull(scores[2], "the solution cannot be read");
    }

    private double?[] Scores(RewardFunction reward, string[] solutions, string[] completions) => Asked.Of(
        reward, Context(solutions), [.. completions.Select((completion, row) => Asked.Row(completion, row: row))]);

    private RewardContext Context(string[] solutions) => new(
        _ml, _ml.Data.LoadFromEnumerable(solutions.Select(solution => new Question { Solution = solution }).ToArray()), Tiny.Tokenizer);

    private sealed class Question
    {
        public string Solution { get; set; } = "";
    }
}
