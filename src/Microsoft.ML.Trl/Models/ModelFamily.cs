using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Models;

/// <summary>
/// What makes a family of models: how its configuration is read and written, what its tensors are called, how its parts are put together.
/// </summary>
internal sealed record ModelFamily
{
    /// <summary>Its <c>model_type</c> in <c>config.json</c>.</summary>
    public required string ModelType { get; init; }

    /// <summary>Name of the decoder inside a model: <c>transformer</c>, <c>model</c>.</summary>
    public required string DecoderName { get; init; }

    /// <summary>Name of the list of blocks inside the decoder: <c>h</c>, <c>layers</c>.</summary>
    public required string BlocksName { get; init; }

    /// <summary>Class of its causal language models in transformers; null for encoders, which write nothing.</summary>
    public required string? CausalArchitecture { get; init; }

    /// <summary>Class of its sequence classifiers in transformers.</summary>
    public required string ClassifierArchitecture { get; init; }

    /// <summary>Name of the encoder inside an encoder-decoder.</summary>
    public string EncoderName { get; init; } = "encoder";

    /// <summary>Name of the embedding that encoder and decoder share, beside the two; null = the decoder has its own.</summary>
    public string? SharedEmbeddingName { get; init; }

    /// <summary>Ends of the names of stored tensors that mean nothing: copies of others, and what older versions saved.</summary>
    public IReadOnlyList<string> IgnoredWeights { get; init; } = [];

    /// <summary>Names of the linear layers that adapters stand beside where none are named, PEFT's; empty where it has none.</summary>
    public IReadOnlyList<string> AdapterTargets { get; init; } = [];

    /// <summary>How its sequence classifiers end.</summary>
    public ClassifierLayout Classifier { get; init; } = new("score");

    /// <summary>Whether tokens see those behind them, too.</summary>
    public bool IsEncoder => CausalArchitecture is null;

    /// <summary>Whether padding has positions as tokens have; otherwise a text's first token has the first.</summary>
    public bool CountsPadding { get; init; }

    /// <summary>Name of the vocabulary projection, where it is not the embedding.</summary>
    public string HeadName { get; init; } = "lm_head";

    /// <summary>See <see cref="ModelConfig.LossCountsFirstToken"/>.</summary>
    public bool LossCountsFirstToken { get; init; }

    /// <summary>Whether queries and keys are turned by their positions; null where the configuration says.</summary>
    public bool? IsRotary { get; init; } = false;

    /// <summary>Whether the width of heads is independent of that of the residual stream.</summary>
    public bool HasOwnHeadSize { get; init; }

    /// <summary>Where <c>config.json</c> says how fresh weights are drawn, and what holds when it does not.</summary>
    public (string Key, double Default) Initializer { get; init; } = ("initializer_range", 0.02);

    /// <summary>Whether several query heads may share a head of keys and values.</summary>
    public bool SharesKeyValueHeads { get; init; }

    /// <summary>Reads what the family has of its own in <c>config.json</c>.</summary>
    public required Func<JsonFields, ModelConfig> Read { get; init; }

    /// <summary>Writes it.</summary>
    public required Action<ModelConfig, JsonObject> Write { get; init; }

    /// <summary>Puts a decoder together from parameters that lie below a place in the checkpoint.</summary>
    public required Func<ModelConfig, WeightPath, Decoder> Compose { get; init; }

    /// <summary>Puts the encoder of an encoder-decoder together, which reads with the decoder's embedding; null = there is none.</summary>
    public Func<ModelConfig, WeightPath, TokenEmbedding, Decoder>? ComposeEncoder { get; init; }

    /// <summary>A decoder with its parameters.</summary>
    /// <param name="config">Of this family.</param>
    /// <param name="weights">Gives the parameters of the whole model.</param>
    public Decoder Build(ModelConfig config, WeightSource weights) => Compose(config, new WeightPath(weights, DecoderName));

    /// <summary>The encoder of an encoder-decoder with its parameters.</summary>
    /// <param name="config">Of this family.</param>
    /// <param name="weights">Gives the parameters of the whole model.</param>
    /// <param name="tokens">The decoder's embedding.</param>
    public Decoder BuildEncoder(ModelConfig config, WeightSource weights, TokenEmbedding tokens) =>
        ComposeEncoder!(config, new WeightPath(weights, EncoderName), tokens);
}
