using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>A transformer that reads from left to right: token ids in, hidden states out. The heads stand elsewhere.</summary>
public abstract class Decoder : nn.Module
{
    private protected Decoder(ModelConfig config)
        : base(nameof(Decoder)) => Config = config;

    /// <summary>Shape and habits.</summary>
    public ModelConfig Config { get; }

    /// <summary>[V, H] one row per token; also the vocabulary projection where the two are tied. The decoder owns it.</summary>
    public abstract Tensor TokenEmbedding { get; }

    /// <summary>Source of dropped entries during training; off until set.</summary>
    internal abstract void SetDropout(double embedding, double attention, double residual, Generator? generator);

    /// <summary>Reads tokens.</summary>
    /// <param name="ids">[B, T] int64 token ids; padded places may hold any id of the vocabulary.</param>
    /// <param name="mask">[B, S] bool, true on real tokens, S = cached + new tokens. Null when nothing is padded or the padding is on the right:
    /// causal attention never looks there. Places in the text come from the mask, never from the ids.</param>
    /// <param name="cache">What was read before; the new tokens are added to it. Only without gradients.</param>
    /// <returns>[B, T, H] after the final norm, in the type of the weights. The caller owns it. Padded places hold no meaning.</returns>
    /// <exception cref="ArgumentException">A shape does not fit, or the sequence is longer than the context.</exception>
    public abstract Tensor Hidden(Tensor ids, Tensor? mask = null, KeyValueCache? cache = null);

    /// <summary>Reads whole texts, but finishes some places only: what the last block does after its attention is done for those alone.</summary>
    /// <param name="ids">[B, T] int64 token ids; padding, if any, is on the right.</param>
    /// <param name="places">[N] int64: which of the B·T places, counted row by row.</param>
    /// <returns>[N, H]: rows of <see cref="Hidden"/>, at less cost. The caller owns it.</returns>
    /// <exception cref="ArgumentException">A shape does not fit, or the sequence is longer than the context.</exception>
    public abstract Tensor HiddenAt(Tensor ids, Tensor places);

    /// <summary>Builds the decoder of a family.</summary>
    /// <param name="config">Names the family.</param>
    /// <param name="weights">Gives the parameters.</param>
    internal static Decoder Create(ModelConfig config, WeightSource weights) =>
        config.ModelType == "gpt2" ? new Gpt2Decoder(config, weights) : new LlamaDecoder(config, weights);

    /// <summary>Name of the decoder inside its Hugging Face model: <c>transformer</c> or <c>model</c>.</summary>
    internal static string PrefixOf(ModelConfig config) => config.ModelType == "gpt2" ? "transformer" : "model";

    /// <summary>Checks the arguments of <see cref="Hidden"/> and works out who sees whom.</summary>
    private protected AttentionPattern Pattern(Tensor ids, Tensor? mask, KeyValueCache? cache)
    {
        ArgumentNullException.ThrowIfNull(ids);
        AttentionPattern pattern = AttentionPattern.Create(ids, mask, cache?.Length ?? 0, Config.ContextLength);
        cache?.CheckRoom(pattern.Batch, pattern.Length);
        if (cache is not null && is_grad_enabled())
            throw new InvalidOperationException("A key-value cache cannot be used while gradients are recorded; call inside no_grad().");
        return pattern;
    }
}
