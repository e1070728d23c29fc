using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>A decoder with a head.</summary>
public abstract class DecoderModel : nn.Module
{
    private protected DecoderModel(string name, ModelConfig config, WeightSource weights) : base(name)
    {
        (Config, Body) = (config, config.Family.Build(config, weights));
        if (config.IsEncoderDecoder)
        {
            Encoder = config.Family.BuildEncoder(config, weights, Body.Tokens);
            this.Own(Body.Tokens);
            this.Own(config.Family.EncoderName, Encoder);
        }
        this.Own(config.Family.DecoderName, Body);
    }

    /// <summary>Shape and habits.</summary>
    public ModelConfig Config { get; }

    /// <summary>The decoder. The model owns it.</summary>
    public Decoder Body { get; }

    /// <summary>What reads the prompts of an encoder-decoder; null where there is none. The model owns it.</summary>
    internal Decoder? Encoder { get; }

    /// <summary>Device of the weights.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public Device Device => Body.TokenEmbedding.device;

    /// <summary>Number of weights, shared ones counted once.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public long ParameterCount => Weights().Sum(weight => weight.Value.NumberOfElements);

    /// <summary>
    /// All weights with their Hugging Face names; a tied projection appears once, as the embedding. The model owns the tensors.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public IEnumerable<(string Name, Tensor Value)> Weights()
    {
        Body.ThrowIfDisposed();
        return named_parameters().Select(pair => (pair.name, (Tensor)pair.parameter));
    }

    /// <summary>Drops during training (after <c>train()</c>) what the configuration says.</summary>
    /// <param name="generator">Random numbers on the model's device; the caller keeps it alive. Null turns dropout off.</param>
    public virtual void SetDropout(Generator? generator)
    {
        Body.SetDropout(Config.EmbeddingDropout, Config.AttentionDropout, Config.ResidualDropout, generator);
        Encoder?.SetDropout(Config.EmbeddingDropout, Config.AttentionDropout, Config.ResidualDropout, generator);
    }
}
