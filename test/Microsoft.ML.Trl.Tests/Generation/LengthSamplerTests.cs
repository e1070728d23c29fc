using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;

namespace Microsoft.ML.Trl.Tests.Generation;

[TestClass]
public sealed class LengthSamplerTests
{
    [TestMethod]
    public void Every_length_from_the_least_to_one_below_the_most_comes_equally_often()
    {
        var sampler = new LengthSampler(4, 12, seed: 3);
        const int Draws = 80_000;
        int[] counts = new int[20];
        for (int draw = 0; draw < Draws; draw++)
            counts[sampler.Sample(draw)]++;
        double expected = Draws / 8.0;
        Assert.AreEqual(Draws, counts[4..12].Sum());
        double chiSquare = counts[4..12].Sum(count => (count - expected) * (count - expected) / expected);
        Close.Below(24.3, chiSquare, "chi square of 7 degrees of freedom, 1 in 1000"); // a table's quantile
    }

    [TestMethod]
    public void A_draw_is_a_function_of_its_number_and_the_seed()
    {
        int[] Draw(int seed) => [.. Enumerable.Range(0, 50).Select(draw => new LengthSampler(1, 1000, seed).Sample(draw))];
        CollectionAssert.AreEqual(Draw(1), Draw(1));
        CollectionAssert.AreNotEqual(Draw(1), Draw(2));
        int[] one = Draw(1), shifted = [.. Enumerable.Range(1, 50).Select(draw => new LengthSampler(1, 1000, 1).Sample(draw))];
        CollectionAssert.AreEqual(one[1..], shifted[..49]);
        Close.Above(40, one.Distinct().Count());
    }

    [TestMethod]
    public void One_length_and_the_widest_range_can_be_drawn_from()
    {
        Assert.AreEqual(7, new LengthSampler(7, 8).Sample(99));
        var widest = new LengthSampler(1, int.MaxValue);
        int[] lengths = [.. Enumerable.Range(0, 1000).Select(draw => widest.Sample(draw))];
        Assert.IsTrue(lengths.All(length => length is >= 1 and < int.MaxValue));
        Close.Above(int.MaxValue / 2, lengths.Max());
    }

    [TestMethod]
    public void Bounds_out_of_range_are_named()
    {
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => new LengthSampler(0, 4)).Message, "minValue (0) must be 1 or greater");
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => new LengthSampler(4, 4)).Message,
            "maxValue (4) must be greater than minValue (4): lengths are drawn from minValue to maxValue - 1.");
        StringAssert.Contains(
            Assert.ThrowsExactly<ArgumentException>(() => new LengthSampler(4, 9).Limit(new() { MinNewTokens = 5 }, 0)).Message,
            "MinNewTokens (5) is more than the shortest length that the LengthSampler draws (4); set MinNewTokens to 4 or less");
    }

    [TestMethod]
    public void It_survives_JSON_and_unknown_keys_do_not()
    {
        var sampler = new LengthSampler(4, 16, 5);
        Assert.AreEqual(sampler, JsonSerializer.Deserialize<LengthSampler>(JsonSerializer.Serialize(sampler)));
        Assert.ThrowsExactly<JsonException>(
            () => JsonSerializer.Deserialize<LengthSampler>("""{"MinValue":4,"MaxValue":16,"Seed":0,"Max":3}"""));
    }
}
