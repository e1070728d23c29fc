using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.MathAnswers;

/// <summary>
/// Solutions and completions with what TRL's <c>accuracy_reward</c> gives for them, which asks math_verify 0.9 and SymPy 1.14.
/// </summary>
[TestClass]
public sealed class AccuracyFixtureTests
{
    /// <summary>Where this library differs: it understands more, but neither integrals nor sums.</summary>
    private static readonly Dictionary<(string Solution, string Completion), double?> Different = new()
    {
        [(@"$\frac{2}{6}$", @"\boxed{\frac13}")] = 1,
        [(@"$\frac{\sqrt{3}}{2}$", @"\boxed{\frac{\sqrt3}{2}}")] = 1,
        [(@"\sqrt{2}", @"\boxed{\sqrt{2}}")] = 1,
        [(@"\sqrt2", @"\boxed{\sqrt{2}}")] = 1,
        [(@"1\frac{1}{2}", @"\boxed{1.5}")] = 1,
        [("5", @"\boxed{5 bananas}")] = 1,
        [("7", @"\boxed{7.}")] = 1,
        [("90", @"\boxed{90°}")] = 1,
        [("$i^2$", @"\boxed{-1}")] = 1,
        [(@"$e^{i\pi}$", @"\boxed{-1}")] = 1,
        [("$0<x<5$", @"\boxed{5>x>0}")] = 1,
        [("$2x=4$", @"\boxed{x=2}")] = 1,
        [("$2x<4$", @"\boxed{x<2}")] = 1,
        [(@"$\int_0^1 x dx$", @"\boxed{\frac{1}{2}}")] = 0,
        [(@"$\sum_{k=1}^{3} k$", @"\boxed{6}")] = 0,
    };

    [TestMethod]
    public void Verdicts_are_those_of_math_verify()
    {
        Case[] cases = JsonSerializer.Deserialize<Case[]>(
            File.ReadAllText(Fixtures.Path("rewards", "accuracy.json")), JsonSerializerOptions.Web)!;
        Assert.IsGreaterThan(200, cases.Length);
        List<string> wrong = [];
        HashSet<(string, string)> differing = [];
        foreach (Case each in cases)
        {
            AnswerCheck check = AnswerCheck.Of(each.Solution, each.Completion);
            double? reward = check.IsRight is { } isRight ? isRight ? 1 : 0 : null;
            bool isListed = Different.TryGetValue((each.Solution, each.Completion), out double? own);
            if (reward != each.Reward)
                differing.Add((each.Solution, each.Completion));
            if (reward != (isListed ? own : each.Reward))
                wrong.Add($"{each.Solution} | {each.Completion}: TRL {each.Reward}, here {reward} ({check.Gold} | {check.Found})");
        }
        Assert.IsEmpty(wrong, string.Join('\n', wrong));
        CollectionAssert.AreEquivalent(Different.Keys.ToArray(), differing.ToArray(), "a listed difference is none any more");
    }

    private sealed record Case(string Solution, string Completion, double? Reward);
}
