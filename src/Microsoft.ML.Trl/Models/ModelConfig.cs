namespace Microsoft.ML.Trl;

/// <summary>Shape and habits of a decoder, as Hugging Face writes them in <c>config.json</c>. Immutable.</summary>
/// <remarks>
/// Read with <c>ModelConfig.Parse</c>, or begin anew with the function of a family, such as <c>ModelConfig.Gpt2</c> or
/// <c>ModelConfig.Llama</c>.
/// </remarks>
public sealed record ModelConfig
{
    internal ModelConfig(ModelFamily family) => Family = family;

    /// <summary>Name of the family, such as <c>gpt2</c> or <c>llama</c>.</summary>
    public string ModelType => Family.ModelType;

    /// <summary>Rows of the token embedding; token ids lie below it.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Number of blocks; of an encoder-decoder, those of its decoder.</summary>
    public required int LayerCount { get; init; }

    /// <summary>Number of blocks of the encoder of an encoder-decoder; 0 in other models.</summary>
    public int EncoderLayerCount { get; init; }

    /// <summary>Whether an encoder reads the prompt, and a decoder, which looks at that, writes the answer.</summary>
    public bool IsEncoderDecoder => EncoderLayerCount > 0;

    /// <summary>Query heads per block.</summary>
    public required int HeadCount { get; init; }

    /// <summary>Key and value heads per block; divides <see cref="HeadCount"/>.</summary>
    public required int KeyValueHeadCount { get; init; }

    /// <summary>Width of a head.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Width inside the feed-forward layer.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>
    /// Longest sequence in tokens, prompt and answer together. <see cref="int.MaxValue"/> where nothing limits it: T5 knows distances only.
    /// </summary>
    public required int ContextLength { get; init; }

    /// <summary>Added to the variance in layer norms and RMS norms.</summary>
    public double NormEpsilon { get; init; } = 1e-5;

    /// <summary>Whether the vocabulary projection is the token embedding itself.</summary>
    public bool TieWordEmbeddings { get; init; }

    /// <summary>
    /// Activation of the feed-forward layer: <c>gelu_new</c>, <c>gelu_pytorch_tanh</c>, <c>gelu</c>, <c>relu</c> or <c>silu</c>.
    /// </summary>
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

    /// <summary>Probability of dropping an entry of what a classifier's last layer reads, in [0, 1).</summary>
    public double ClassifierDropout { get; init; }

    /// <summary>Names of the labels of a sequence classifier, in the order of its scores; empty where the file names none.</summary>
    public IReadOnlyList<string> Labels { get; init; } = [];

    /// <summary>Standard deviation of fresh weights.</summary>
    public double InitializerRange { get; init; } = 0.02;

    /// <summary>Whether attention scores are divided by the root of the head width; GPT-2's <c>scale_attn_weights</c>.</summary>
    public bool ScaleAttention { get; init; } = true;

    /// <summary>Whether they are also divided by the block's number; GPT-2's <c>scale_attn_by_inverse_layer_idx</c>.</summary>
    public bool ScaleAttentionByLayer { get; init; }

    /// <summary>Rotary positions; null in GPT-2, which learns its positions.</summary>
    public RopeSettings? Rope { get; init; }

    /// <summary>Dimensions of a head that rotary positions turn, an even number; null = all.</summary>
    public int? RotaryDimensions { get; init; }

    /// <summary>Width of the token embedding and of the states that the decoder gives; null = that of the residual stream.</summary>
    public int? EmbeddingSize { get; init; }

    /// <summary>Whether a vocabulary projection of its own has a bias.</summary>
    public bool HeadBias { get; init; }

    /// <summary>c of <c>c tanh(score / c)</c> in attention (arXiv:2408.00118); null = none.</summary>
    public double? AttentionSoftCap { get; init; }

    /// <summary>c of <c>c tanh(logit / c)</c>; null = none.</summary>
    public double? LogitSoftCap { get; init; }

    /// <summary>Tokens a windowed block looks back, itself included; null without a window.</summary>
    public int? SlidingWindow { get; init; }

    /// <summary>Per block, whether it looks through the window; empty means all do when there is one.</summary>
    public IReadOnlyList<bool> WindowedLayers { get; init; } = [];

    /// <summary>Token that begins a text, if the model has one.</summary>
    public int? BosTokenId { get; init; }

    /// <summary>
    /// Token that fills a batch, if the model has one. Masks never depend on it; which token a <see cref="RewardModel"/> scores does.
    /// </summary>
    public int? PadTokenId { get; init; }

    /// <summary>Token that the decoder of an encoder-decoder begins every answer with; null in other models.</summary>
    public int? DecoderStartTokenId { get; init; }

    /// <summary>Tokens that end a text.</summary>
    public IReadOnlyList<int> EosTokenIds { get; init; } = [];

    /// <summary>
    /// Whether the reference counts the first token of a row among those that the loss is divided by, although nothing predicts it.
    /// It does for GPT-2 and not for the LLaMA family: TRL goes by the name of the model class.
    /// </summary>
    internal bool LossCountsFirstToken => Family.LossCountsFirstToken;

    /// <summary>Width of the states that the decoder gives: what heads read.</summary>
    internal int OutputSize => EmbeddingSize ?? HiddenSize;

    /// <summary>The experts among which tokens choose in place of one feed-forward layer; null without them.</summary>
    internal ExpertSettings? Experts { get; init; }

    /// <summary>Whether the vocabulary projection reads states that are divided by the root of their width, as in T5.</summary>
    internal bool ScalesHead { get; init; }

    /// <summary>Factor of the states that the vocabulary projection reads.</summary>
    internal double HeadScale => ScalesHead ? 1 / Math.Sqrt(HiddenSize) : 1;

    /// <summary>Settings that only its family has; a record, or null.</summary>
    internal object? Own { get; init; }

    /// <summary>What the family does in its own way.</summary>
    internal ModelFamily Family { get; init; }

    /// <summary>The JSON object this was read from; keys that this library does not know are written back from it.</summary>
    internal string? Source { get; init; }

    /// <summary>How far back block <paramref name="layer"/> looks; null for all the way.</summary>
    internal int? WindowOf(int layer) => WindowedLayers.Count == 0 || WindowedLayers[layer] ? SlidingWindow : null;

    /// <summary>
    /// Writes <c>config.json</c>. What was read is written back; fresh configurations use the layout of transformers 4, which 5 reads too.
    /// </summary>
    public string ToJson() => ModelConfigJson.Write(this, []);

    /// <summary>Checks that the sizes fit together, and that numbers and tokens are within their bounds.</summary>
    /// <param name="source">What they came from, for messages.</param>
    /// <exception cref="InvalidDataException">They are not; the message names the first.</exception>
    /// <exception cref="NotSupportedException">There is no such activation or kind of rotary positions.</exception>
    internal ModelConfig Validated(string source)
    {
        CheckSizes(source);
        CheckPositions(source);
        CheckNumbers(source);
        CheckTokens(source);
        Experts?.Check(source);
        if (!Activations.Names.Contains(Activation))
            throw new NotSupportedException(
                $"{source}: the activation '{Activation}' is not supported; supported are {string.Join(", ", Activations.Names)}.");
        return this;
    }

    private void CheckSizes(string source)
    {
        foreach ((string name, int value) in new[]
        {
            ("vocabulary size", VocabularySize), ("hidden size", HiddenSize), ("number of layers", LayerCount),
            ("number of heads", HeadCount), ("number of key-value heads", KeyValueHeadCount), ("head size", HeadSize),
            ("intermediate size", IntermediateSize), ("context length", ContextLength),
        })
            if (value < 1)
                throw new InvalidDataException($"{source}: the {name} is {value}; it must be at least 1.");
        if (HeadCount % KeyValueHeadCount != 0)
            throw new InvalidDataException(
                $"{source}: the {HeadCount} heads cannot share {KeyValueHeadCount} key-value heads evenly; give a divisor of {HeadCount}.");
        if (!Family.SharesKeyValueHeads && KeyValueHeadCount != HeadCount)
            throw new InvalidDataException(
                $"{source}: there are {KeyValueHeadCount} key-value heads; a {ModelType} model has as many as heads: {HeadCount}.");
        if (Rope is null && !Family.HasOwnHeadSize && (long)HeadCount * HeadSize != HiddenSize)
            throw new InvalidDataException($"{source}: the hidden size {HiddenSize} is not a multiple of the {HeadCount} heads.");
        if (Rope is not null && (HeadSize % 2 != 0 || HeadSize > RopeSettings.WidestHead))
            throw new InvalidDataException(
                $"{source}: the head size is {HeadSize}; rotary positions allow an even number from 2 to {RopeSettings.WidestHead}, "
                + "since they turn pairs of dimensions.");
        if (RotaryDimensions is { } turned && (turned < 2 || turned % 2 != 0 || turned > HeadSize))
            throw new InvalidDataException(
                $"{source}: rotary positions turn {turned} dimensions of each head; it must be an even number from 2 to {HeadSize}.");
        if (EmbeddingSize < 1)
            throw new InvalidDataException($"{source}: the embedding size is {EmbeddingSize}; it must be at least 1.");
        int leastEncoder = Family.ComposeEncoder is null ? 0 : 1;
        if (EncoderLayerCount < leastEncoder || (leastEncoder == 0 && EncoderLayerCount > 0))
            throw new InvalidDataException(
                $"{source}: the encoder has {EncoderLayerCount} layers; in a {ModelType} model there must be "
                + $"{(leastEncoder == 0 ? "none: 0" : "at least 1")}.");
    }

    private void CheckPositions(string source)
    {
        if (Family.IsRotary is { } rotary && rotary != Rope is not null)
            throw new InvalidDataException(
                $"{source}: a {ModelType} model has {(rotary ? "rotary positions; give" : "no rotary positions; omit")} Rope.");
        Rope?.Check(source);
        Rope?.CheckFactors(source, RotaryDimensions ?? HeadSize);
        if (SlidingWindow < 1)
            throw new InvalidDataException($"{source}: the sliding window is {SlidingWindow}; it must be at least 1, or null for none.");
        if (WindowedLayers is null)
            throw new InvalidDataException($"{source}: layer_types is null; give an empty list where no window is looked through.");
        if (WindowedLayers.Count != 0 && WindowedLayers.Count != LayerCount)
            throw new InvalidDataException($"{source}: layer_types names {WindowedLayers.Count} layers, but there are {LayerCount}.");
    }

    private void CheckNumbers(string source)
    {
        (double epsilon, double range) = (NormEpsilon, InitializerRange);
        Check("norm epsilon", epsilon, epsilon > 0 && double.IsFinite(epsilon), "a finite number greater than 0");
        Check("initializer range", range, range >= 0 && double.IsFinite(range), "a finite number, 0 or greater");
        foreach ((string name, double? cap) in new[] { ("attention soft cap", AttentionSoftCap), ("logit soft cap", LogitSoftCap) })
            Check(name, cap ?? 1, cap is null or > 0 and < double.PositiveInfinity, "a finite number greater than 0, or absent");
        foreach ((string name, double share) in new[]
        {
            ("embedding dropout", EmbeddingDropout), ("attention dropout", AttentionDropout), ("residual dropout", ResidualDropout),
            ("classifier dropout", ClassifierDropout),
        })
            Check(name, share, share is >= 0 and < 1, "at least 0 and below 1");

        void Check(string name, double value, bool holds, string allowed)
        {
            if (!holds)
                throw new InvalidDataException(FormattableString.Invariant($"{source}: the {name} is {value}; it must be {allowed}."));
        }
    }

    private void CheckTokens(string source)
    {
        if (IsEncoderDecoder && DecoderStartTokenId is null)
            throw new InvalidDataException(
                $"{source}: neither decoder_start_token_id nor pad_token_id is there; name the token that answers begin with.");
        if (EosTokenIds is null)
            throw new InvalidDataException($"{source}: eos_token_id is null; give an empty list where no token ends a text.");
        (string Name, int Id)[] tokens = [.. EosTokenIds.Select(id => ("eos_token_id", id)),
            ("bos_token_id", BosTokenId ?? 0), ("pad_token_id", PadTokenId ?? 0), ("decoder_start_token_id", DecoderStartTokenId ?? 0)];
        foreach ((string name, int id) in tokens.Where(token => (uint)token.Id >= (uint)VocabularySize))
            throw new InvalidDataException(
                $"{source}: {name} is {id}, but the vocabulary has the tokens 0 to {VocabularySize - 1}; name one of them, or none.");
    }
}
