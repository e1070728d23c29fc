using Microsoft.ML.Trl.Operators;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Operators;

[TestClass]
public sealed class DynamicCodeTests
{
    [TestMethod]
    public void The_numbers_are_those_of_the_paper()
    {
        // decades of 1, 2, 4, .. 64 numbers of each sign between 0.1 and 1 times 1e-6, 1e-5, .. 1; then 0 and 1
        ReadOnlySpan<float> signed = DynamicCode.Signed.Values, unsigned = DynamicCode.Unsigned.Values;
        Assert.AreEqual((256, 256), (signed.Length, unsigned.Length));
        Close.Absolute(-0.99296875, signed[0], 1e-7); // 1 - 0.9 / 64 / 2
        Close.Absolute(0.99296875, signed[254], 1e-7);
        Close.Absolute(0.10703125, signed[191], 1e-7); // the first of the last 64, before the last, which is 1
        Close.Absolute([-5.5e-7, 0, 5.5e-7, 3.25e-6, 7.75e-6], [signed[126], signed[127], signed[128], signed[129], signed[130]], 1e-12);
        Close.Absolute([0, 3.25e-7, 7.75e-7], [unsigned[0], unsigned[1], unsigned[2]], 1e-12);
        Close.Absolute([0.99648438, 1], [unsigned[254], unsigned[255]], 1e-7); // 1 - 0.9 / 128 / 2
        Assert.AreEqual((1f, 1f), (signed[255], unsigned[255]));
    }

    [TestMethod]
    public void Every_number_finds_the_nearest_one()
    {
        var random = new Random(1);
        foreach (DynamicCode code in new[] { DynamicCode.Signed, DynamicCode.Unsigned })
        {
            float[] values = code.Values.ToArray();
            IEnumerable<float> edges = values.Zip(values.Skip(1)).SelectMany(pair =>
            {
                float middle = (pair.First + pair.Second) / 2;
                return new[] { pair.First, MathF.BitDecrement(middle), middle, MathF.BitIncrement(middle) };
            });
            IEnumerable<float> drawn = Enumerable.Range(0, 20_000).Select(_ =>
                (float)((random.Next(2) == 0 && values[0] < 0 ? -1 : 1) * Math.Pow(10, -9 * random.NextDouble())));
            foreach (float value in edges.Concat(drawn).Append(0).Append(-0f).Append(1))
            {
                float least = values.Min(other => MathF.Abs(other - value));
                Close.Absolute(least, MathF.Abs(values[code.Nearest(value)] - value), 1e-9 + (2e-7 * MathF.Abs(value)), $"{value:R}");
            }
        }
    }

    [TestMethod]
    [DataRow(256)]
    [DataRow(1000)]
    public void Writing_and_reading_loses_half_a_gap_of_the_code(int count)
    {
        using var scope = NewDisposeScope();
        using Generator rng = new(2);
        var moment = new BlockwiseMoment(zeros(count, ScalarType.Byte), zeros((count + 255) / 256), DynamicCode.Signed);
        Close.Absolute(zeros(count), moment.Read(0, count), 0, "a fresh moment");
        Tensor values = randn(count, generator: rng);
        moment.Write(0, values);
        float[] scales = [.. values.data<float>().ToArray().Chunk(256).Select(block => block.Max(MathF.Abs))];
        Close.Absolute(scales, moment.Scales.data<float>().ToArray(), 0, "scales");
        Tensor read = moment.Read(0, count);
        // in the last decade a gap is 0.9 / 64, from -0.993 to -1 half of that again
        Close.Absolute(values, read, scales.Max() * 0.9 / 128, "numbers");
        moment.Write(0, read);
        Close.Absolute(read, moment.Read(0, count), scales.Max() * 0.0071, "again");
    }
}
