using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Numerics;

[TestClass]
public sealed class MaskedTests
{
    [TestMethod]
    public void Mean_variance_and_whitening_equal_the_reference()
    {
        using var scope = NewDisposeScope();
        using var fixture = new FixtureTensors("losses", "utils_v190.safetensors");
        Tensor x = fixture["x"], mask = fixture["mask"];
        Close.Absolute(fixture["masked_mean"], Masked.Mean(x, mask), 1e-6, "utils_v190 masked_mean");
        Close.Absolute(fixture["masked_mean_axis1"], Masked.Mean(x, mask, 1), 1e-6, "utils_v190 masked_mean_axis1");
        Close.Absolute(fixture["masked_var"], Masked.Variance(x, mask), 1e-6, "utils_v190 masked_var");
        Close.Absolute(fixture["masked_var_biased"], Masked.Variance(x, mask, unbiased: false), 1e-6, "utils_v190 masked_var_biased");
        Close.Absolute(fixture["masked_whiten"], Masked.Whiten(x, mask), 1e-5, "utils_v190 masked_whiten");
        Tensor unshifted = Masked.Whiten(x, mask, shiftMean: false);
        Close.Absolute(fixture["masked_whiten_noshift"], unshifted, 1e-5, "utils_v190 masked_whiten_noshift");
    }

    [TestMethod]
    public void The_variance_of_one_value_is_refused()
    {
        using var scope = NewDisposeScope();
        var error = Assert.ThrowsExactly<ArgumentException>(
            () => Masked.Variance(ones(2, 2), tensor([true, false, false, false]).view(2, 2)));
        StringAssert.StartsWith(error.Message, "The mask has 1 true positions; the unbiased variance needs at least 2.");
    }
}
