using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Adapters;

/// <summary>4-bit NormalFloat: code book and layout as published, rounding against its bound, vectors against plain code.</summary>
[TestClass]
public sealed class Nf4MatrixTests
{
    /// <summary>arXiv:2305.14314, appendix E, as printed there.</summary>
    private static readonly double[] AppendixE =
    [
        -1.0, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635, -0.18477343022823334,
        -0.09105003625154495, 0.0, 0.07958029955625534, 0.16093020141124725, 0.24611230194568634, 0.33791524171829224,
        0.44070982933044434, 0.5626170039176941, 0.7229568362236023, 1.0,
    ];

    [TestMethod]
    public void The_code_book_is_that_of_the_paper() =>
        CollectionAssert.AreEqual(AppendixE.Select(value => (float)value).ToArray(), Nf4Kernel.Values.ToArray());

    /// <summary>
    /// Section 3: quantiles of the normal distribution at evenly spaced probabilities, 8 below 0 and 9 above with 0 in both, over the
    /// largest. Their ends lie at the mean of 1 - 1/32 and 1 - 1/30.
    /// </summary>
    [TestMethod]
    public void The_code_book_holds_quantiles_of_the_normal_distribution()
    {
        double end = ((1 - (1 / 32.0)) + (1 - (1 / 30.0))) / 2, largest = Quantile(end);
        for (int i = 0; i < 8; i++)
        {
            Close.Absolute(-Quantile(end + ((0.5 - end) * i / 7)) / largest, AppendixE[i], 1e-6);
            Close.Absolute(Quantile(end + ((0.5 - end) * i / 8)) / largest, AppendixE[15 - i], 1e-6);
        }
    }

    /// <summary>64 neighbours of the flattened matrix share a scale, whatever rows they lie in; the first of two is high half.</summary>
    [TestMethod]
    public void Codes_lie_as_in_bitsandbytes()
    {
        using var scope = NewDisposeScope();
        float[] values = new float[96]; // [3, 32]: a block of two rows, and a half one
        (values[0], values[1], values[2], values[3]) = (2, -2, 0.17f, 0.9f);
        (values[63], values[64], values[95]) = (1.4f, -0.5f, 0.25f);
        using Nf4Matrix matrix = Nf4Matrix.Of(tensor(values).view(3, 32), isNested: false);
        byte[] codes = matrix.Parts[0].Value.data<byte>().ToArray();
        CollectionAssert.AreEqual(new[] { 2f, 0.5f }, matrix.Parts[1].Value.data<float>().ToArray());
        Assert.HasCount(48, codes);
        Assert.AreEqual(0xF0, codes[0]); // 1, -1
        Assert.AreEqual(0x8C, codes[1]); // 0.085 is nearest to 0.0796; 0.45 to 0.4407
        Assert.AreEqual(0x77, codes[2]); // 0, 0
        Assert.AreEqual(0x7E, codes[31]); // 0, 0.7
        Assert.AreEqual(0x07, codes[32]); // -1, 0
        Assert.AreEqual(0x7C, codes[47]); // 0, 0.5: 0.4407 is nearer than 0.5626
        float[] wide = matrix.Rows(null).data<float>().ToArray();
        Close.Absolute(2 * AppendixE[8], wide[2], 1e-7);
        Close.Absolute(2 * AppendixE[14], wide[63], 1e-7);
        Close.Absolute(0.5 * AppendixE[12], wide[95], 1e-7);
    }

    [TestMethod]
    [DataRow(40, 64, "whole rows")]
    [DataRow(1100, 999, "blocks over the ends of rows, more than are quantized at a time, the last one short, an odd number")]
    [DataRow(3, 5, "less than a block")]
    public void A_weight_is_off_by_half_the_widest_gap_at_most(int outputs, int inputs, string what)
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        Tensor wide = randn(outputs, inputs);
        wide[1].zero_();
        using Nf4Matrix matrix = Nf4Matrix.Of(wide, isNested: false);
        double half = AppendixE.Zip(AppendixE.Skip(1), (low, high) => high - low).Max() / 2;
        Assert.AreEqual((1 - 0.6961928009986877) / 2, half);
        Tensor largest = Spread(Blocks(wide).abs().amax([1]), wide);
        Tensor error = (matrix.Rows(null) - wide).abs();
        Assert.IsTrue(error.le(largest * half * 1.0001).all().item<bool>(), what);
        Close.Absolute(0, error.masked_select(wide.abs().eq(largest)).max().item<float>(), 1e-6); // the largest of a block is exact
        using Nf4Matrix again = Nf4Matrix.Of(matrix.Rows(null), isNested: false);
        Close.Absolute(matrix.Rows(null), again.Rows(null), 1e-6, "rounded twice");
    }

    /// <summary>
    /// A code for a scale is off by half the widest gap of the 8-bit numbers, 0.9 / 64, times the largest of what the scales of its group
    /// are without their mean.
    /// </summary>
    [TestMethod]
    public void Nested_scales_add_a_bound_of_their_own()
    {
        using var scope = NewDisposeScope();
        manual_seed(4);
        Tensor wide = randn(300, 192) * (1 + rand(300, 1)); // 900 blocks: four groups, the last one short
        using Nf4Matrix plain = Nf4Matrix.Of(wide, isNested: false), nested = Nf4Matrix.Of(wide, isNested: true);
        Close.Absolute(plain.Parts[0].Value.to(int32), nested.Parts[0].Value.to(int32), 0, "codes");
        Tensor absmax = plain.Parts[1].Value, codes = nested.Parts[1].Value, scales = nested.Parts[2].Value;
        float mean = absmax.mean().item<float>();
        Close.Absolute(mean, nested.Parts[3].Value.item<float>(), 1e-6);
        Assert.AreEqual(4, scales.size(0));
        float[] map = [.. DynamicCode.Signed.Values], all = [.. absmax.data<float>()], found = new float[900];
        for (int block = 0; block < 900; block++)
        {
            float[] group = [.. all.Skip(block / 256 * 256).Take(256).Select(value => Math.Abs(value - mean))];
            float scale = scales[block / 256].item<float>();
            Close.Absolute(group.Max(), scale, 1e-6);
            found[block] = (map[codes[block].item<byte>()] * scale) + mean;
            Assert.IsLessThanOrEqualTo(0.9 / 128 * scale * 1.001, Math.Abs(found[block] - all[block]));
        }
        Tensor expected = Blocks(plain.Rows(null)) / absmax.unsqueeze(1) * tensor(found).unsqueeze(1);
        Close.Absolute(expected.view(300, 192), nested.Rows(null), 1e-5, "widened");
    }

    [TestMethod]
    public void Zeros_stay_zeros_and_a_weight_that_is_no_number_is_not_hidden()
    {
        using var scope = NewDisposeScope();
        using Nf4Matrix none = Nf4Matrix.Of(zeros(4, 64), isNested: true);
        Close.Absolute(zeros(4, 64), none.Rows(null), 0, "zeros");
        Tensor broken = ones(4, 64);
        broken[2, 5] = float.NaN;
        using Nf4Matrix matrix = Nf4Matrix.Of(broken, isNested: false);
        Assert.IsTrue(matrix.Rows(null).isnan().any().item<bool>());
    }

    [TestMethod]
    [DataRow(0, 640)]
    [DataRow(3, 61)]
    [DataRow(63, 200)]
    public void Vectors_widen_as_plain_code_does(int from, int count)
    {
        using var scope = NewDisposeScope();
        manual_seed(5);
        using Nf4Matrix matrix = Nf4Matrix.Of(randn(10, 64), isNested: false);
        Nf4Scales scales = new(matrix.Parts[1].Value);
        Tensor codes = matrix.Parts[0].Value;
        Tensor vectors = empty(count), plain = empty(count);
        Nf4Product.Widen(codes, scales, from, vectors);
        Nf4Product.Widen(codes, scales, from, plain, plain: true);
        Close.Absolute(plain, vectors, 0, "all");
    }

    /// <summary>Weights of a model in bfloat16 are rounded to that first, as where transformers loads the model in that type.</summary>
    [TestMethod]
    public void A_type_rounds_before_the_codes_are_found()
    {
        using var scope = NewDisposeScope();
        manual_seed(6);
        Tensor wide = randn(20, 64);
        using Nf4Matrix first = Nf4Matrix.Of(wide.to(bfloat16), isNested: false);
        using Nf4Matrix second = Nf4Matrix.Of(MatrixRows.Of(wide, bfloat16), isNested: false);
        Assert.AreEqual(bfloat16, second.Rows(null).dtype);
        Close.Absolute(first.Rows(null).to(float32), second.Rows(null).to(float32), 0, "weights");
    }

    private static Tensor Blocks(Tensor matrix) // -> [blocks, 64], the last one filled with zeros
    {
        long blocks = (matrix.NumberOfElements + 63) / 64;
        return cat([matrix.reshape(-1), zeros((blocks * 64) - matrix.NumberOfElements)]).view(blocks, 64);
    }

    private static Tensor Spread(Tensor perBlock, Tensor like) =>
        perBlock.unsqueeze(1).expand(-1, 64).reshape(-1).narrow(0, 0, like.NumberOfElements).view_as(like);

    /// <summary>The quantile of the standard normal distribution, by halving.</summary>
    private static double Quantile(double probability)
    {
        (double low, double high) = (-10, 10);
        for (int i = 0; i < 200; i++)
        {
            double middle = (low + high) / 2;
            using Tensor at = tensor(middle / Math.Sqrt(2), float64), found = erf(at);
            (low, high) = (1 + found.item<double>()) / 2 < probability ? (middle, high) : (low, middle);
        }
        return (low + high) / 2;
    }
}
