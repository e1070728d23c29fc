
namespace Microsoft.ML.Trl.Benchmarks;

/// <summary>A model with random weights and the batch that goes with it.</summary>
internal sealed record Shape(string Name, int Vocabulary, int Width, int Layers, int Heads, int BatchSize)
{
    public const int Length = 128;

    private static readonly Shape[] All =
    [
        new("small", 8192, 256, 6, 4, 16),
        new("gpt2", 50257, 768, 12, 12, 4),
    ];

    public static Shape Named(string name) => Array.Find(All, shape => shape.Name == name)
        ?? throw new ArgumentException($"Unknown shape '{name}'; there are {string.Join(", ", All.Select(shape => shape.Name))}.");

    public ModelConfig Config() =>
        ModelConfig.Gpt2(Vocabulary, Width, Layers, Heads, 1024) with { ResidualDropout = 0, EmbeddingDropout = 0, AttentionDropout = 0 };

    public CausalLanguageModel Model(int seed) => CausalLanguageModel.Create(Config(), seed);

    /// <summary>Rows of random ids, never 0.</summary>
    public int[][] Rows(int count, int length, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, length).Select(_ => random.Next(1, Vocabulary)).ToArray())];
    }
}
