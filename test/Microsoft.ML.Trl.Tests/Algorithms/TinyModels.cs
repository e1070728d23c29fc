using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Algorithms;

/// <summary>Models and data small enough to train hundreds of steps in a test.</summary>
internal static class TinyModels
{
    public const int Vocabulary = 50;

    public static CausalLanguageModel Gpt2(int seed = 1, double dropout = 0) => CausalLanguageModel.Create(Config(dropout), seed);

    public static RewardModel Reward(int seed = 1) => RewardModel.Create(Config(dropout: 0), seed);

    /// <summary>Rows of 4 to 12 random tokens, 2 of them prompt.</summary>
    public static List<TokenExample> Texts(int count, int seed = 7)
    {
        var random = new Random(seed);
        int[] draw() => [.. Enumerable.Range(0, random.Next(4, 13)).Select(_ => random.Next(Vocabulary))];
        return [.. Enumerable.Range(0, count).Select(_ => new TokenExample(draw(), PromptLength: 2))];
    }

    /// <summary>Pairs whose better side holds small ids.</summary>
    public static List<PreferenceExample> Pairs(int count, int seed = 7)
    {
        var random = new Random(seed);
        int[] draw(int from) => [.. Enumerable.Range(0, random.Next(2, 8)).Select(_ => random.Next(from, from + (Vocabulary / 2)))];
        return [.. Enumerable.Range(0, count).Select(_ => new PreferenceExample([1, 2], draw(0), draw(Vocabulary / 2)))];
    }

    /// <summary>All weights in one array.</summary>
    public static float[] Flat(IEnumerable<(string Name, Tensor Value)> weights)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var ordered = weights.OrderBy(weight => weight.Name, StringComparer.Ordinal);
        return [.. ordered.SelectMany(weight => weight.Value.detach().data<float>().ToArray())];
    }

    private static ModelConfig Config(double dropout) =>
        ModelConfig.Gpt2(Vocabulary, hiddenSize: 16, layers: 2, heads: 2, contextLength: 32, dropout);
}
