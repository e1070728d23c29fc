using Microsoft.ML.Trl.Operators;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Operators;

/// <summary>The 8-bit code book against its definition, and codes against a search of all numbers.</summary>
[TestClass]
public sealed class DynamicCodeNumbersTests
{
    /// <summary>
    /// With a sign: 1, 2, 4, ... 64 equal parts of [0.1, 1] for 1e-6, 1e-5, ... 1, their middles, on both sides; and 0 and 1. Without:
    /// twice as many on one side.
    /// </summary>
    [TestMethod]
    [DataRow(true, 1)]
    [DataRow(false, 2)]
    public void The_numbers_are_the_middles_of_equal_parts_of_each_power_of_ten(bool isSigned, int least)
    {
        List<double> expected = [0, 1];
        for (int exponent = -6, parts = least; exponent <= 0; exponent++, parts *= 2)
            for (int part = 0; part < parts; part++)
            {
                double middle = Math.Pow(10, exponent) * (0.1 + (0.9 * (part + 0.5) / parts));
                expected.AddRange(isSigned ? [middle, -middle] : [middle]);
            }
        float[] found = [.. Code(isSigned).Values];
        Assert.HasCount(256, found);
        foreach ((double value, float code) in expected.Order().Zip(found))
            Close.Absolute(value, code, 1e-6 * Math.Abs(value));
    }

    [TestMethod]
    [DataRow(true)]
    [DataRow(false)]
    public void A_code_is_that_of_the_nearest_number(bool isSigned)
    {
        using var scope = NewDisposeScope();
        manual_seed(1);
        Tensor values = cat([isSigned ? (rand(50, 6) * 2) - 1 : rand(50, 6), rand(50, 6) * 1e-4]);
        float[] map = [.. Code(isSigned).Values];
        DynamicCode code = Code(isSigned);
        Tensor codes = code.Encode(values), decoded = code.Decode(codes);
        CollectionAssert.AreEqual(new long[] { 100, 6 }, decoded.shape);
        foreach ((float value, float found) in values.data<float>().Zip(decoded.data<float>()))
            Assert.AreEqual(map.Min(number => Math.Abs(number - value)), Math.Abs(found - value), 1e-8f);
        Tensor all = tensor(map);
        Close.Absolute(all, code.Decode(code.Encode(all)), 0, "the numbers themselves");
    }

    private static DynamicCode Code(bool isSigned) => isSigned ? DynamicCode.Signed : DynamicCode.Unsigned;
}
