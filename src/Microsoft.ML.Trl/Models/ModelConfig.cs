namespace Microsoft.ML.Trl;

/// <summary>Shape and habits of a decoder, as Hugging Face writes them in <c>config.json</c>. Immutable.</summary>
/// <remarks>Families: <c>gpt2</c>, <c>llama</c>, <c>mistral</c>, <c>qwen2</c>. Read with <see cref="Parse"/>, or begin anew with <see cref="Gpt2"/> or <see cref="Llama"/>.</remarks>
public sealed record ModelConfig
{
    /// <summary>Family: <c>gpt2</c>, <c>llama</c>, <c>mistral</c> or <c>qwen2</c>.</summary>
    public required string ModelType { get; init; }

    /// <summary>Rows of the token embedding; token ids lie below it.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Number of blocks.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Query heads per block.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Key and value heads per block; divides <see cref="HeadCount"/>.</summary>
    public required int KeyValueHeadCount { get; init; }

    /// <summary>Width of a head.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Width inside the feed-forward layer.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Longest sequence in tokens, prompt and answer together.</summary>
    public required int ContextLength { get; init; }

    /// <summary>Added to the variance in layer norms and RMS norms.</summary>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>Whether the vocabulary projection is the token embedding itself.</summary>
    public bool TieWordEmbeddings { get; init; }

    /// <summary>Activation of the feed-forward layer: <c>gelu_new</c>, <c>gelu_pytorch_tanh</c>, <c>gelu</c>, <c>relu</c> or <c>silu</c>.</summary>
    public string Activation { get; init; } = "gelu_new";

    /// <summary>Whether query, key and value projections have biases.</summary>
    public bool AttentionInputBias { get; init; }

    /// <summary>Whether the projection after attention has a bias.</summary>
    public bool AttentionOutputBias { get; init; }

    /// <summary>Whether the projections of the feed-forward layer have biases.</summary>
    public bool FeedForwardBias { get; init; }

    /// <summary>Probability of dropping an entry of the embedding, in [0, 1).</summary>
    public double EmbeddingDropout { get; init; }

    /// <summary>Probability of dropping an attention weight, in [0, 1).</summary>
    public double AttentionDropout { get; init; }

    /// <summary>Probability of dropping an entry before it joins the residual stream, in [0, 1).</summary>
    public double ResidualDropout { get; init; }

    /// <summary>The largest of the three dropout probabilities.</summary>
    public double Dropout => Math.Max(EmbeddingDropout, Math.Max(AttentionDropout, ResidualDropout));

    /// <summary>Standard deviation of fresh weights.</summary>
    public double InitializerRange { get; init; } = 0.02;

    /// <summary>Whether attention scores are divided by the root of the head width; GPT-2's <c>scale_attn_weights</c>.</summary>
    public bool ScaleAttention { get; init; } = true;

    /// <summary>Whether they are also divided by the block's number; GPT-2's <c>scale_attn_by_inverse_layer_idx</c>.</summary>
    public bool ScaleAttentionByLayer { get; init; }

    /// <summary>Rotary positions; null in GPT-2, which learns its positions.</summary>
    public RopeSettings? Rope { get; init; }

    /// <summary>Tokens a windowed block looks back, itself included; null without a window.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>Per block, whether it looks through the window; empty means all do when there is one.</summary>
    public IReadOnlyList<bool> WindowedLayers { get; init; } = [];

    /// <summary>Token that begins a text, if the model has one.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>Token that fills a batch, if the model has one. Masks never depend on it.</summary>
    public int? PadTokenId { get; init; }

    /// <summary>Tokens that end a text.</summary>
    public IReadOnlyList<int> EosTokenIds { get; init; } = [];

    /// <summary>The JSON object this was read from; keys that this library does not know are written back from it.</summary>
    internal string? Source { get; init; }

    /// <summary>How far back block <paramref name="layer"/> looks; null for all the way.</summary>
    internal int? WindowOf(int layer) => WindowedLayers.Count == 0 || WindowedLayers[layer] ? SlidingWindow : null;

    /// <summary>Reads <c>config.json</c>, in the layout of transformers 4 or 5.</summary>
    /// <param name="json">The file's text.</param>
    /// <param name="source">Its name, for messages.</param>
    /// <exception cref="InvalidDataException">It is no JSON object, or a number is missing, negative or does not fit the others.</exception>
    /// <exception cref="NotSupportedException">A family, activation or position scheme this library does not have.</exception>
    public static ModelConfig Parse(string json, string source) => ModelConfigReader.Read(json, source);

    /// <summary>Writes <c>config.json</c>. What was read is written back; fresh configurations use the layout of transformers 4, which 5 reads too.</summary>
    public string ToJson() => ModelConfigWriter.Write(this, new Dictionary<string, System.Text.Json.Nodes.JsonNode>());

    /// <summary>A GPT-2 model with tied embeddings, without dropout.</summary>
    /// <param name="vocabularySize">Number of tokens.</param>
    /// <param name="hiddenSize">Width; a multiple of <paramref name="heads"/>.</param>
    /// <param name="layers">Number of blocks.</param>
    /// <param name="heads">Attention heads per block.</param>
    /// <param name="contextLength">Longest sequence in tokens.</param>
    public static ModelConfig Gpt2(int vocabularySize, int hiddenSize, int layers, int heads, int contextLength) => new ModelConfig
    {
        ModelType = "gpt2",
        VocabularySize = vocabularySize,
        HiddenSize = hiddenSize,
        LayerCount = layers,
        HeadCount = heads,
        KeyValueHeadCount = heads,
        HeadSize = heads > 0 ? hiddenSize / heads : 0,
        IntermediateSize = 4 * hiddenSize,
        ContextLength = contextLength,
        TieWordEmbeddings = true,
        AttentionInputBias = true,
        AttentionOutputBias = true,
        FeedForwardBias = true,
    }.Validated(nameof(Gpt2));

    /// <summary>A LLaMA model without biases.</summary>
    /// <param name="vocabularySize">Number of tokens.</param>
    /// <param name="hiddenSize">Width; a multiple of <paramref name="heads"/>.</param>
    /// <param name="layers">Number of blocks.</param>
    /// <param name="heads">Query heads per block.</param>
    /// <param name="contextLength">Longest sequence in tokens.</param>
    /// <param name="keyValueHeads">Key and value heads; divides <paramref name="heads"/>. 0 means as many as query heads.</param>
    /// <param name="intermediateSize">Width inside the feed-forward layer; 0 means 8/3 of the width, rounded up to a multiple of 8.</param>
    /// <param name="tieWordEmbeddings">Whether the vocabulary projection is the token embedding.</param>
    public static ModelConfig Llama(
        int vocabularySize, int hiddenSize, int layers, int heads, int contextLength, int keyValueHeads = 0, int intermediateSize = 0, bool tieWordEmbeddings = false) => new ModelConfig
        {
            ModelType = "llama",
            VocabularySize = vocabularySize,
            HiddenSize = hiddenSize,
            LayerCount = layers,
            HeadCount = heads,
            KeyValueHeadCount = keyValueHeads == 0 ? heads : keyValueHeads,
            HeadSize = heads > 0 ? hiddenSize / heads : 0,
            IntermediateSize = intermediateSize == 0 ? ((hiddenSize * 8 / 3) + 7) / 8 * 8 : intermediateSize,
            ContextLength = contextLength,
            NormEpsilon = 1e-6,
            TieWordEmbeddings = tieWordEmbeddings,
            Activation = "silu",
            Rope = new RopeSettings(),
        }.Validated(nameof(Llama));

    /// <summary>Checks that the sizes fit together.</summary>
    /// <param name="source">What they came from, for messages.</param>
    /// <exception cref="InvalidDataException">They do not.</exception>
    internal ModelConfig Validated(string source)
    {
        foreach ((string name, int value) in new[]
        {
            ("vocabulary size", VocabularySize), ("hidden size", HiddenSize), ("number of layers", LayerCount), ("number of heads", HeadCount),
            ("number of key-value heads", KeyValueHeadCount), ("head size", HeadSize), ("intermediate size", IntermediateSize), ("context length", ContextLength),
        })
            if (value < 1)
                throw new InvalidDataException($"{source}: the {name} is {value}; it must be at least 1.");
        if (HeadCount % KeyValueHeadCount != 0)
            throw new InvalidDataException($"{source}: the {HeadCount} heads cannot share {KeyValueHeadCount} key-value heads evenly; give a divisor of {HeadCount}.");
        if (Rope is null && HeadCount * HeadSize != HiddenSize)
            throw new InvalidDataException($"{source}: the hidden size {HiddenSize} is not a multiple of the {HeadCount} heads.");
        if (Rope is not null && HeadSize % 2 != 0)
            throw new InvalidDataException($"{source}: rotary positions turn pairs of dimensions, but the head size {HeadSize} is odd.");
        if (WindowedLayers.Count != 0 && WindowedLayers.Count != LayerCount)
            throw new InvalidDataException($"{source}: layer_types names {WindowedLayers.Count} layers, but there are {LayerCount}.");
        return this;
    }
}
