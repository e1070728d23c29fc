using System.Numerics;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.MathAnswers;

[TestClass]
public sealed class AnswerCheckTests
{
    [TestMethod]
    [DataRow("(a+b)^3", "a^3+3a^2b+3ab^2+b^3")]
    [DataRow(@"\sin(2x)", @"2\sin(x)\cos(x)")]
    [DataRow(@"\frac{1}{1+\sqrt{2}}", @"\sqrt{2}-1")]
    [DataRow(@"\ln(x^2)", @"2\ln x")]
    [DataRow(@"\log_2 8", "3")]
    [DataRow(@"\tan x", @"\frac{\sin x}{\cos x}")]
    [DataRow("7!", "5040")]
    [DataRow(@"\sqrt[3]{-8}", "-2")]
    [DataRow(@"1.5 \times 10^{-2}", @"\frac{3}{200}")]
    [DataRow(@"2^{-3}", "0.125")]
    [DataRow(@"-3^2", "-9")]
    [DataRow(@"1/2/2", "0.25")]
    [DataRow(@"2\cdot3+4", "10")]
    public void Equal_expressions_are_equal_and_a_neighbour_is_not(string one, string other)
    {
        Assert.IsTrue(IsRight(one, other), $"{one} and {other}");
        Assert.IsTrue(IsRight(other, one), $"{other} and {one}");
        Assert.IsFalse(IsRight(one, $"({other})+0.001"), "one thousandth more");
        Assert.IsFalse(IsRight($"2({one})", other), "twice as much");
    }

    [TestMethod]
    [DataRow(@"\frac{1}{23}", @"\frac{12}{3}")]
    [DataRow("x^{12}", "x^{1}2")]
    [DataRow("ab", "ac")]
    [DataRow(@"\text{east}", @"\text{seat}")]
    [DataRow("x_1", "x_2")]
    [DataRow("(1,2)", "[1,2]")]
    [DataRow("x<1", "x>1")]
    [DataRow("x=1", "x=-1")]
    [DataRow("1,1,2", "1,2,2")]
    [DataRow(@"\infty", @"-\infty")]
    [DataRow("10^{20}", "10^{20}+1")]
    public void Different_answers_that_look_alike_are_told_apart(string one, string other)
    {
        Assert.IsFalse(IsRight(one, other), $"{one} and {other}");
        Assert.IsFalse(IsRight(other, one), $"{other} and {one}");
        Assert.IsTrue(IsRight(one, one));
    }

    /// <summary>Neither long nor deep nor broken text may take long or end the process; each is simply not understood.</summary>
    [TestMethod]
    public void Hostile_completions_are_only_wrong()
    {
        string[] texts =
        [
            new('(', 100_000), @"\boxed{" + new string('(', 900) + "}", @"\boxed{" + string.Concat(Enumerable.Repeat("{", 50_000)),
            @"\boxed{9^{9^{9^9}}}", @"\boxed{99999!}", @"\boxed{1/0}", @"\boxed{0/0}", @"\boxed{\frac{}{}}", @"\boxed{\frac}", @"\boxed{^}",
            @"\boxed{\sqrt[0]{1}}", @"\boxed{\log_{}}", @"\boxed{|}", @"\boxed{,}", @"\boxed{=}", @"\boxed{\pm}", @"\boxed{\cup}",
            string.Concat(Enumerable.Repeat(@"\boxed{1} ", 20_000)), "answer " + new string('$', 10_000), new string('$', 9_999),
            "answer" + string.Concat(Enumerable.Repeat(" a", 20_000)), string.Concat(Enumerable.Repeat("answer is ", 5_000)),
            @"\boxed{" + string.Concat(Enumerable.Repeat("1,", 400)) + "1}", @"\boxed{0^{-1}}", @"\boxed{\infty-\infty}",
        ];
        foreach (string text in texts)
        {
            Assert.IsFalse(AnswerCheck.Of("42", text).IsRight!.Value, text[..Math.Min(30, text.Length)]);
            _ = AnswerCheck.Of(text, @"\boxed{42}"); // as a solution it may be read or not
        }
    }

    [TestMethod]
    public void Every_cut_of_an_answer_is_read_or_not_but_does_not_fail()
    {
        const string whole =
            @"The answer is \boxed{\left\{\frac{1}{2}, \sqrt[3]{x_1^{2}+\sin^2 y}\right\} \cup (1, 1,234.5\%] \text{ and } x \le 2!}";
        for (int start = 0; start < whole.Length; start++)
            for (int end = start; end <= whole.Length; end++)
            {
                MathAnswer answer = AnswerReader.Read(whole[start..end]);
                Assert.IsTrue(answer.IsSame(answer));
            }
    }

    [TestMethod]
    public void Fractions_are_kept_in_lowest_terms()
    {
        Assert.AreEqual(new Rational(-1, 2), new Rational(3, -6));
        Assert.AreEqual(new Rational(0, 1), new Rational(0, -7));
        Assert.AreEqual(new Rational(1, 6), new Rational(1, 2) + new Rational(-1, 3));
        Assert.AreEqual(new Rational(8, 27), new Rational(2, 3).Power(new Rational(3, 1)));
        Assert.AreEqual(new Rational(9, 4), new Rational(2, 3).Power(new Rational(-2, 1)));
        Assert.IsNull(new Rational(0, 1).Power(new Rational(-1, 1)));
        Assert.IsNull(new Rational(0, 1).Inverse());
        Assert.IsNull(new Rational(2, 1).Power(new Rational(1_000_000, 1)), "too many digits");
        var huge = new Rational(BigInteger.Pow(10, 400) + 1, BigInteger.Pow(10, 400));
        Close.Relative(1, huge.Approximate(), 1e-12, "both parts are beyond what a double holds");
    }

    private static bool IsRight(string solution, string answer) =>
        AnswerCheck.Of($"${solution}$", $@"\boxed{{{answer}}}").IsRight ?? throw new AssertFailedException($"{solution} was not read");
}
