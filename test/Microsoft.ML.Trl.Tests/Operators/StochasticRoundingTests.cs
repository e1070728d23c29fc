using Microsoft.ML.Trl.Operators;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Operators;

[TestClass]
public sealed class StochasticRoundingTests
{
    private const int Count = 200_000;

    [TestMethod]
    [DataRow(1.001f, 1f, 1.0078125f)]
    [DataRow(-1.001f, -1.0078125f, -1f)]
    [DataRow(3.1e-5f, 3.0994415e-5f, 3.1232834e-5f)]
    public void It_takes_the_two_neighbours_so_that_the_mean_is_the_number(float number, float below, float above)
    {
        using var scope = NewDisposeScope();
        foreach (Action<Tensor, Tensor> round in new Action<Tensor, Tensor>[]
            { (from, into) => StochasticRounding.Round(from, into, 7), StochasticRounding.RoundByOperators })
        {
            Tensor rounded = empty(Count, ScalarType.BFloat16);
            round(full(Count, number), rounded);
            float[] values = rounded.to_type(ScalarType.Float32).data<float>().ToArray();
            Assert.IsTrue(values.All(value => value == below || value == above), $"{number}");
            // the mean of so many draws is off by a share of the gap, five standard deviations of at most 1 / (2 √n)
            Close.Absolute(number, values.Average(value => (double)value), (above - below) * 2.5 / Math.Sqrt(Count), $"{number}");
        }
    }

    [TestMethod]
    public void Numbers_of_bfloat16_and_infinities_stay()
    {
        using var scope = NewDisposeScope();
        Tensor exact = tensor([0f, 1, -1.5f, 1024, -3.0994415e-5f, float.PositiveInfinity, float.NegativeInfinity]);
        Tensor rounded = empty(exact.shape, ScalarType.BFloat16);
        StochasticRounding.Round(exact, rounded, 3);
        Close.Absolute(exact, rounded, 0);
    }

    [TestMethod]
    public void It_is_a_function_of_seed_and_place()
    {
        using var scope = NewDisposeScope();
        Tensor numbers = rand(5000), whole = empty(5000, ScalarType.BFloat16), part = empty(2000, ScalarType.BFloat16);
        StochasticRounding.Round(numbers, whole, 11);
        StochasticRounding.Round(numbers.narrow(0, 3000, 2000), part, 11, offset: 3000);
        Close.Absolute(whole.narrow(0, 3000, 2000), part, 0);
        StochasticRounding.Round(numbers, part = empty(5000, ScalarType.BFloat16), 12);
        Assert.IsGreaterThan(1000, whole.ne(part).sum().item<long>(), "another seed draws others");
    }
}
