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
    public Device Device => Tokens.Device;

    /// <summary>Number of weights, shared ones counted once.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public long ParameterCount =>
        Parameters().Sum(weight => weight.Value.NumberOfElements) + Quantized().Sum(part => part.Value.WeightCount);

    /// <summary>
    /// All weights with their Hugging Face names; a tied projection appears once, as the embedding. The model owns the tensors, but for
    /// quantized ones: they are widened one by one, into the current scope.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public IEnumerable<(string Name, Tensor Value)> Weights() =>
        Parameters().Concat(Quantized().Select(part => (part.Name, part.Value.Widen())));

    /// <summary>Drops during training (after <c>train()</c>) what the configuration says.</summary>
    /// <param name="generator">Random numbers on the model's device; the caller keeps it alive. Null turns dropout off.</param>
    public virtual void SetDropout(Generator? generator)
    {
        Body.SetDropout(Config.EmbeddingDropout, Config.AttentionDropout, Config.ResidualDropout, generator);
        Encoder?.SetDropout(Config.EmbeddingDropout, Config.AttentionDropout, Config.ResidualDropout, generator);
    }

    /// <summary>Fails where weights are quantized.</summary>
    /// <param name="what">The model, in the words of the caller.</param>
    /// <exception cref="NotSupportedException">They are.</exception>
    internal void RequireTrainable(string what)
    {
        if (Quantized().Any())
            throw new NotSupportedException(
                $"The {what} has quantized weights, which cannot be trained; load it without quantization, or train a Copy(), "
                + "whose weights are widened.");
    }

    /// <summary>The rows of tokens, which say type and place of all weights.</summary>
    private protected TokenEmbedding Tokens
    {
        get
        {
            Body.ThrowIfDisposed();
            return Body.Tokens;
        }
    }

    private IEnumerable<(string Name, Tensor Value)> Parameters()
    {
        Body.ThrowIfDisposed();
        return named_parameters().Select(pair => (pair.name, (Tensor)pair.parameter));
    }

    private IEnumerable<(string Name, IQuantizedWeight Value)> Quantized() =>
        named_modules().Where(part => part.module is IQuantizedWeight)
            .DistinctBy(part => part.module) // TorchSharp also names modules by the fields that hold them
            .Select(part => ($"{part.name}.weight", (IQuantizedWeight)part.module));
}
