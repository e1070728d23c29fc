using System.Text.Json;
using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;
using Weights = System.Collections.Generic.IEnumerable<(string Name, TorchSharp.torch.Tensor Value)>;

namespace Microsoft.ML.Trl.Tests.Algorithms;

/// <summary>Holds trained weights against those that a reference run ended with. Biases of attention keys are left out.</summary>
/// <remarks>The true gradient of a key bias is 0, and Adam turns its rounding noise into whole steps.</remarks>
internal static class WeightChecks
{
    /// <summary>Compares every tensor of a <c>final.safetensors</c>, relative to its largest entry.</summary>
    public static void Relative(Weights weights, string path, double tolerance, string what) =>
        ForEach(weights, path, null, (expected, actual) => Close.Relative(expected, actual, tolerance, $"{what} weights"));

    /// <summary>Compares every tensor of a <c>final.safetensors</c>.</summary>
    /// <param name="weights">By their Hugging Face names.</param>
    /// <param name="path">The file.</param>
    /// <param name="tolerance">Largest absolute difference.</param>
    /// <param name="what">The run.</param>
    /// <param name="driftless">Another tensor whose true gradient is 0.</param>
    public static void Absolute(Weights weights, string path, double tolerance, string what, string? driftless = null) =>
        ForEach(weights, path, driftless, (expected, actual) => Close.Absolute(expected, actual, tolerance, $"{what} weights"));

    /// <summary>Sums over whole tensors, which the file of weights holds in part only; 1e-4 of the sum of magnitudes.</summary>
    public static void Sums(Weights weights, JsonElement finalStats, string what, string? driftless = null)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> ours = weights.ToDictionary(weight => weight.Name, weight => weight.Value);
        int compared = 0;
        bool Counts(string name) => ours.ContainsKey(name) && name != driftless && !HoldsKeyBias(name);
        foreach (JsonProperty entry in finalStats.EnumerateObject().Where(entry => Counts(entry.Name)))
        {
            Tensor value = ours[entry.Name].detach().to_type(ScalarType.Float64);
            double Expected(string sum) => entry.Value.GetProperty(sum).GetDouble();
            Close.Absolute(Expected("sum"), value.sum().item<double>(), 1e-4 * Expected("abs_sum"), $"{what} sum of {entry.Name}");
            Close.Relative(Expected("abs_sum"), value.abs().sum().item<double>(), 1e-4, $"{what} magnitudes of {entry.Name}");
            Close.Relative(Expected("sq_sum"), value.square().sum().item<double>(), 1e-4, $"{what} squares of {entry.Name}");
            compared++;
        }
        Assert.AreNotEqual(0, compared, $"{what}: no sums to compare");
    }

    /// <summary>Every tensor is the same, bit by bit.</summary>
    public static void Equal(Weights expected, Weights actual)
    {
        using var scope = NewDisposeScope();
        Dictionary<string, Tensor> all = actual.ToDictionary(weight => weight.Name, weight => weight.Value);
        foreach ((string name, Tensor value) in expected)
            Assert.IsTrue(value.equal(all[name]).all().item<bool>(), name);
    }

    private static void ForEach(Weights weights, string path, string? driftless, Action<Tensor, Tensor> compare)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using SafetensorsFile final = SafetensorsFile.Open(path);
        Dictionary<string, Tensor> ours = weights.ToDictionary(weight => weight.Name, weight => weight.Value.detach());
        int compared = 0;
        foreach (string name in final.Entries.Keys.Where(name => name != driftless && !IsKeyBias(name)))
        {
            Tensor expected = final.Read(name);
            Tensor actual = name == "EMB16" ? ours.Single(weight => IsTokenEmbedding(weight.Key)).Value.narrow(0, 0, 16) : ours[name];
            if (name.EndsWith("c_attn.bias", StringComparison.Ordinal))
                (expected, actual) = (WithoutKeys(expected), WithoutKeys(actual));
            compare(expected, actual);
            compared++;
        }
        Assert.AreNotEqual(0, compared, $"{path}: no tensors to compare");
    }

    private static bool IsTokenEmbedding(string name) =>
        name.EndsWith("wte.weight", StringComparison.Ordinal) || name.EndsWith("embed_tokens.weight", StringComparison.Ordinal);

    private static bool IsKeyBias(string name) => name.EndsWith("k_proj.bias", StringComparison.Ordinal);

    private static bool HoldsKeyBias(string name) => IsKeyBias(name) || name.EndsWith("c_attn.bias", StringComparison.Ordinal);

    private static Tensor WithoutKeys(Tensor bias)
    {
        long width = bias.shape[0] / 3; // queries, keys, values
        return cat([bias.narrow(0, 0, width), bias.narrow(0, 2 * width, width)]);
    }
}
