using TorchSharp;

namespace Microsoft.ML.Trl.Benchmarks;

/// <summary>A model with random weights and the batch that goes with it.</summary>
internal sealed record Shape(string Name, int Vocabulary, int Width, int Layers, int Heads, int BatchSize)
{
    /// <summary>Tokens of a row in training.</summary>
    public int Length { get; init; } = 128;

    /// <summary>Where the weights are.</summary>
    public torch.Device Device { get; init; } = torch.CPU;

    /// <summary>The type of weights and products: float32, or bfloat16.</summary>
    public bool Bf16 { get; init; }

    /// <summary>How matrices are held while texts are generated.</summary>
    public WeightQuantization Quantization { get; init; }

    /// <summary>The optimizer's rule, or "fused": libtorch's AdamW over all weights at once, and nothing else.</summary>
    public string Rule { get; init; } = "AdamW";

    /// <summary>Texts that are continued at once.</summary>
    public int Prompts { get; init; } = 8;

    /// <summary>Options that save memory in training.</summary>
    public MemoryOptions Memory { get; init; } = new();

    private static readonly Shape[] All =
    [
        new("small", 8192, 256, 6, 4, 16),
        new("gpt2", 50257, 768, 12, 12, 4),
        new("llama", 50257, 768, 12, 12, 4) { IsLlama = true },
        new("long", 8192, 256, 4, 4, 1) { IsLlama = true },
        new("long-grouped", 8192, 256, 4, 4, 1) { IsLlama = true, KeyValueHeads = 2 },
        new("tinyllama", 32000, 2048, 22, 32, 1) { IsLlama = true, KeyValueHeads = 4, Intermediate = 5632, Length = 256 },
    ];

    private bool IsLlama { get; init; }

    private int KeyValueHeads { get; init; }

    private int Intermediate { get; init; } // 0 = as the width says, and the embedding is also the projection to the vocabulary

    /// <summary>Whether an adapter is trained in the place of the weights.</summary>
    public bool IsAdapted { get; init; }

    /// <summary>A folder in Hugging Face's layout with the model; null = none.</summary>
    public string? Folder { get; init; }

    public static Shape Named(string name) => Array.Find(All, shape => shape.Name == name)
        ?? throw new ArgumentException($"Unknown shape '{name}'; there are {string.Join(", ", All.Select(shape => shape.Name))}.");

    public ModelConfig Config() => IsLlama
        ? ModelConfig.Llama(
            Vocabulary, Width, Layers, Heads, Math.Max(1024, 2 * Length), KeyValueHeads, Intermediate, tieWordEmbeddings: Intermediate == 0)
        : ModelConfig.Gpt2(Vocabulary, Width, Layers, Heads, Math.Max(1024, 2 * Length), dropout: 0);

    public CausalLanguageModel Model(int seed) => Placed(CausalLanguageModel.Create(Config(), seed));

    /// <summary>A model that generates, with quantized weights where they are asked for.</summary>
    public CausalLanguageModel Generating(int seed)
    {
        CausalLanguageModel model = Model(seed);
        if (Quantization == WeightQuantization.None)
            return model;
        using (model)
            return model.Made(weights => QuantizedWeights.Of(weights, Quantization), null, null);
    }

    /// <summary>The model, moved to the device and type of this shape.</summary>
    public T Placed<T>(T model) where T : torch.nn.Module
    {
        model.to(Device, Bf16 ? torch.ScalarType.BFloat16 : torch.ScalarType.Float32);
        return model;
    }

    /// <summary>Rows of random ids, never 0.</summary>
    public int[][] Rows(int count, int length, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => Enumerable.Range(0, length).Select(_ => random.Next(1, Vocabulary)).ToArray())];
    }
}
