using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms;

/// <summary>Models small enough for property tests.</summary>
internal static class Toys
{
    public static CausalLanguageModel Gpt2(int seed = 1) =>
        CausalLanguageModel.Create(ModelConfig.Gpt2(40, 16, 2, 2, 32, dropout: 0), seed);

    /// <summary>All weights of a model in one array.</summary>
    public static float[] Flat(IEnumerable<(string Name, Tensor Value)> weights)
    {
        using var scope = NewDisposeScope();
        return [.. weights.SelectMany(weight => weight.Value.detach().cpu().contiguous().data<float>().ToArray())];
    }

    /// <summary>Rows of random token ids of random lengths.</summary>
    public static int[][] Rows(int seed, int count, int shortest, int longest)
    {
        var random = new Random(seed);
        int[] draw() => [.. Enumerable.Range(0, random.Next(shortest, longest + 1)).Select(_ => random.Next(1, 40))];
        return [.. Enumerable.Range(0, count).Select(_ => draw())];
    }
}
