using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>The helper that every comparison of numbers rests on.</summary>
[TestClass]
public sealed class CloseTests
{
    private static readonly double[] Two = [1, 2];

    [TestMethod]
    public void Not_a_number_fails_on_either_side_in_every_form()
    {
        Fails(() => Close.Absolute(double.NaN, 1.0, 1), "expected NaN, got 1; off by NaN, allowed 1");
        Fails(() => Close.Absolute(1.0, double.NaN, 1), "expected 1, got NaN");
        Fails(() => Close.Absolute(double.NaN, double.NaN, 1), "expected NaN, got NaN");
        Fails(() => Close.Relative(1.0, double.NaN, 1), "got NaN");
        Fails(() => Close.Absolute(Two, [1, double.NaN], 1, "row"), "row[1]: expected 2, got NaN");
        Fails(() => Close.Relative(Two, [1, double.NaN], 1), "got NaN");
        Fails(() => Close.Absolute([1f], [float.NaN], 1), "got NaN");
        Fails(() => Close.Relative([float.NaN], [1f], 1), "NaN");
        Fails(() => Close.Differ([1f], [float.NaN], 0), "NaN is not above 0");
        Fails(() => Close.Below(1, double.NaN), "NaN is not below 1");
        Fails(() => Close.Above(1, double.NaN, "loss"), "loss: NaN is not above 1");
        Fails(() => Close.Metrics(Figures(1), Figures(double.NaN), (_, _) => 1, "run"), "run loss: expected 1, got NaN");
        Fails(() => Close.Metrics(Figures(double.NaN), Figures(double.NaN), (_, _) => 1, "run"), "got NaN");
        using var scope = NewDisposeScope();
        Fails(() => Close.Absolute(ones(2, 2), tensor([1f, 1, float.NaN, 1]).view(2, 2), 1, "logits"), "logits[1, 0]: expected 1, got NaN");
        Fails(() => Close.Relative(ones(2), tensor([1f, float.NaN]), 1), "[1]: expected 1, got NaN");
        Fails(() => Close.Absolute(full(2, float.NaN), ones(2), 1), "expected NaN, got 1");
    }

    [TestMethod]
    public void Not_a_number_passes_only_where_it_is_asked_for_on_both_sides()
    {
        Close.WithSameNaN([1, double.NaN], [1, double.NaN], 0);
        Fails(() => Close.WithSameNaN([1, double.NaN], [1, 2], 1), "NaN");
        Fails(() => Close.WithSameNaN([1, 2], [1, double.NaN], 1), "NaN");
        Fails(() => Close.WithSameNaN([1], [1, 2], 1), "2 entries, expected 1");
    }

    [TestMethod]
    public void Another_count_or_shape_or_a_missing_name_fails()
    {
        Fails(() => Close.Absolute(Two, [1.0], 1, "row"), "row: 1 entries, expected 2.");
        Fails(() => Close.Relative([1f], [1f, 2f], 1), "2 entries, expected 1.");
        Fails(() => Close.Differ([1f], [1f, 2f], 0), "2 entries, expected 1.");
        var other = new Dictionary<string, double> { ["other"] = 1 };
        Fails(() => Close.Metrics(Figures(1), other, (_, _) => 1, "run"), "run: without loss; there are other.");
        Fails(() => Close.Metrics(new Dictionary<string, double>(), Figures(1), (_, _) => 1, "run"), "no figures to compare");
        using var scope = NewDisposeScope();
        Fails(() => Close.Absolute(ones(2, 1), ones(1, 2), 1, "grid"), "grid: shape [1, 2], expected [2, 1].");
        Fails(() => Close.Absolute(ones(1), ones(1, 1), 1), "shape [1, 1], expected [1].");
        Fails(() => Close.Absolute(ones(2), ones(2), 1, "grid", zeros(2)), "grid: no entry counts.");
    }

    [TestMethod]
    [DataRow(double.NaN)]
    [DataRow(double.PositiveInfinity)]
    [DataRow(-1.0)]
    public void A_tolerance_that_is_no_tolerance_fails(double tolerance)
    {
        Fails(() => Close.Absolute(1.0, 1.0, tolerance), "not a finite number, 0 or greater");
        Fails(() => Close.Relative(Two, Two, tolerance), "not a finite number, 0 or greater");
        Fails(() => Close.Metrics(Figures(1), Figures(1), (_, _) => tolerance, "run"), "not a finite number, 0 or greater");
        using var scope = NewDisposeScope();
        Fails(() => Close.Absolute(ones(1), ones(1), tolerance), "not a finite number, 0 or greater");
        if (!double.IsFinite(tolerance))
            Fails(() => Close.Below(tolerance, 0), "the limit");
    }

    [TestMethod]
    public void The_worst_entry_is_named_with_both_values_and_the_tolerance()
    {
        Fails(
            () => Close.Absolute([1, 2, 3], [1.1, 2.5, 3.2], 0.25, "row"),
            "row[1]: expected 2, got 2.5; off by 0.5, allowed 0.25; the worst of 3.");
        Fails(
            () => Close.Relative([1, 2, 4], [1, 2, 4.5], 0.1, "row"),
            "row[2]: expected 4, got 4.5; off by 0.5, allowed 0.4 (0.1 of the largest, 4); the worst of 3.");
        Fails(() => Close.Absolute(double.PositiveInfinity, 1.0, 1), "got 1");
    }

    [TestMethod]
    public void Numbers_within_the_tolerance_pass_and_give_the_deviation()
    {
        Assert.AreEqual(0.5, Close.Absolute(Two, [1.5, 2], 0.5));
        Assert.AreEqual(0.25, Close.Relative(Two, [1.5, 2], 0.25));
        Assert.AreEqual(0.0, Close.Absolute([double.NegativeInfinity], [double.NegativeInfinity], 0));
        Assert.AreEqual(0.0, Close.Relative([0.0], [0.0], 0));
        Close.Below(1, 0.5);
        Close.Above(1, 1.5);
        Close.Differ([1f, 2f], [1f, 3f], 0.5);
        using var scope = NewDisposeScope();
        Assert.AreEqual(0.0, Close.Absolute(ones(2, 3), tensor([1f, 1, 1, 9, 9, 9]).view(2, 3), 0, where: tensor([1L, 0])));
        Close.Absolute(ones(2), ones(2, dtype: ScalarType.BFloat16), 0);
    }

    /// <summary>Why the helper exists. When this fails, the framework has learned better.</summary>
    [TestMethod]
    public void The_frameworks_own_limit_lets_not_a_number_pass()
    {
        Assert.IsLessThan(1e-4, double.NaN);
        Assert.IsLessThanOrEqualTo(1e-4, double.NaN);
    }

    private static Dictionary<string, double> Figures(double loss) => new() { ["loss"] = loss };

    private static void Fails(Action comparison, string message) =>
        StringAssert.Contains(Assert.ThrowsExactly<AssertFailedException>(comparison).Message, message);
}
