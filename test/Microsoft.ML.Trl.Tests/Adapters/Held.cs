using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Adapters;

/// <summary>Compares what models hold in memory.</summary>
internal static class Held
{
    /// <summary>Fails unless two models hold the same numbers, those of few bits included.</summary>
    public static void Equal(IEnumerable<(string Name, Tensor Value)> expected, IEnumerable<(string Name, Tensor Value)> found)
    {
        Dictionary<string, Tensor> all = found.ToDictionary(weight => weight.Name, weight => weight.Value);
        int count = 0;
        foreach ((string name, Tensor value) in expected)
        {
            Assert.IsTrue(all.TryGetValue(name, out Tensor? same), $"{name} is missing");
            Assert.AreEqual(value.dtype, same.dtype, name);
            using Tensor first = value.to(float64), second = same.to(float64);
            Close.Absolute(first, second, 0, name);
            count++;
        }
        Assert.HasCount(count, all);
    }
}
