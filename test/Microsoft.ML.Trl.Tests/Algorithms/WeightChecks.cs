using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms;

/// <summary>Holds trained weights against those that a reference run ended with.</summary>
internal static class WeightChecks
{
    /// <summary>Compares every tensor of a <c>final.safetensors</c>; of GPT-2's attention biases only queries and values.</summary>
    /// <remarks>The true gradient of a key bias is 0, and Adam turns its rounding noise into whole steps.</remarks>
    public static void Compare(Worst worst, IEnumerable<(string Name, Tensor Value)> weights, string path, double tolerance)
    {
        using var scope = NewDisposeScope();
        using SafetensorsFile final = SafetensorsFile.Open(path);
        Dictionary<string, Tensor> ours = weights.ToDictionary(weight => weight.Name, weight => weight.Value.detach());
        foreach (string name in final.Entries.Keys)
        {
            Tensor expected = final.Read(name);
            Tensor actual = name == "EMB16" ? ours.Single(weight => weight.Key.EndsWith("wte.weight", StringComparison.Ordinal)).Value.narrow(0, 0, 16) : ours[name];
            if (name.EndsWith("c_attn.bias", StringComparison.Ordinal))
            {
                long width = expected.shape[0] / 3;
                (expected, actual) = (WithoutKeys(expected, width), WithoutKeys(actual, width));
            }
            worst.CheckGradient(name, expected, actual, tolerance, "weight");
        }
    }

    private static Tensor WithoutKeys(Tensor bias, long width) => cat([bias.narrow(0, 0, width), bias.narrow(0, 2 * width, width)], 0);
}
