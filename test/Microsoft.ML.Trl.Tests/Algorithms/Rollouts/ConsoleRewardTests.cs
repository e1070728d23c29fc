using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Algorithms.Rollouts;

[TestClass]
public sealed class ConsoleRewardTests : IDisposable
{
    private static readonly RewardRow[] Rows = [Asked.Row("a story"), Asked.Row("a film")];

    private readonly StringWriter _output = new();

    public void Dispose() => _output.Dispose();

    [TestMethod]
    public void A_number_in_the_range_is_the_score_and_signs_are_its_ends()
    {
        CollectionAssert.AreEqual(new double?[] { 0.25, 1 }, Scores("0.25\n1\n"));
        CollectionAssert.AreEqual(new double?[] { 1, 0 }, Scores(" + \n-\n"));
        CollectionAssert.AreEqual(new double?[] { -5, 5 }, Asked.Of(Human("-\n+\n", -5, 5), Rows));
    }

    [TestMethod]
    public void An_empty_line_skips_where_that_is_allowed()
    {
        CollectionAssert.AreEqual(new double?[] { null, 0.5 }, Scores("\n0.5\n"));
        CollectionAssert.AreEqual(new double?[] { 0.5, 1 }, Asked.Of(Human("\n0.5\n+\n", canSkip: false), Rows));
        Assert.Contains("'' is no number from 0 to 1, such as 0.5.", _output.ToString());
    }

    [TestMethod]
    public void Nonsense_is_asked_again()
    {
        CollectionAssert.AreEqual(new double?[] { 0, 1 }, Scores("good\n2\nNaN\n-0.1\n0\n1\n"));
        string text = _output.ToString();
        foreach (string line in new[] { "good", "2", "NaN", "-0.1" })
            Assert.Contains($"'{line}' is no number from 0 to 1, such as 0.5.", text);
    }

    [TestMethod]
    public void The_human_sees_prompt_and_completion()
    {
        Scores("1\n1\n");
        string text = _output.ToString();
        Assert.Contains("Completion 1 of 2, step 1", text);
        Assert.Contains("Completion 2 of 2, step 1", text);
        Assert.Contains("Prompt:     prompt", text);
        Assert.Contains("Completion: a film", text);
        Assert.Contains("Score from 0 to 1 (- is 0, + is 1, Enter skips): ", text);
    }

    [TestMethod]
    public void An_input_that_ends_is_an_error()
    {
        RewardFunctionException error = Assert.Throws<RewardFunctionException>(() => Scores("1\n"));
        Assert.Contains("The input ended before completion 2 of 2 was scored; run where a human can type", error.Message);
    }

    [TestMethod]
    public async Task Cancelling_ends_the_wait()
    {
        using var source = new CancellationTokenSource();
        using var silent = new SilentReader(source.Cancel);
        var ml = new MLContext(1);
        var context = new RewardContext(ml, ml.Data.LoadFromEnumerable(Tiny.Pairs), Tiny.Tokenizer);
        var group = new RewardGroup([RewardFunction.FromConsole(input: silent, output: _output)], context);
        await Assert.ThrowsAsync<OperationCanceledException>(() => Task.Run(() => group.Score(Rows, source.Token)));
    }

    [TestMethod]
    public void It_is_called_human_and_a_range_must_be_one()
    {
        Assert.AreEqual("human", Human("").Name);
        Assert.Contains(
            "lowest (1) must be below highest (1)", Assert.Throws<ArgumentException>(() => RewardFunction.FromConsole(1, 1)).Message);
    }

    private double?[] Scores(string typed) => Asked.Of(Human(typed), Rows);

    private RewardFunction Human(string typed, double lowest = 0, double highest = 1, bool canSkip = true) =>
        RewardFunction.FromConsole(lowest, highest, canSkip, new StringReader(typed), _output);

    /// <summary>Nobody types; cancels as soon as it is read, and gives an answer only when it is disposed.</summary>
    private sealed class SilentReader(Action whenRead) : TextReader
    {
        private readonly TaskCompletionSource<string?> _line = new();

        public override string? ReadLine()
        {
            whenRead();
            return _line.Task.GetAwaiter().GetResult();
        }

        protected override void Dispose(bool disposing)
        {
            _line.TrySetResult(null);
            base.Dispose(disposing);
        }
    }
}
