using Microsoft.ML.Trl.Operators;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>A decoder with a vocabulary projection: predicts the next token.</summary>
/// <remarks>
/// Tensor names are those of Hugging Face checkpoints (<c>transformer.h.0.attn.c_attn.weight</c>, <c>model.layers.0...</c>,
/// <c>lm_head.weight</c>).
/// </remarks>
public sealed class CausalLanguageModel : DecoderModel
{
    private readonly ILinear? _head;

    internal CausalLanguageModel(ModelConfig config, WeightSource weights)
        : base(nameof(CausalLanguageModel), config.Family.CausalArchitecture is not null ? config : throw WritesNothing(config), weights)
    {
        Quantization = weights.Quantization;
        if (config.TieWordEmbeddings)
            return;
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        _head = weights.Linear(
            new WeightPath(weights, config.Family.HeadName), config.OutputSize, config.VocabularySize, initializer,
            config.HeadBias ? Initializer.Zeros : null, WeightLayout.OutputsByInputs);
        this.Own(_head.Module);
    }

    /// <summary>How the matrices are held in memory.</summary>
    public WeightQuantization Quantization { get; }

    /// <summary>
    /// [V, H] the vocabulary projection; the token embedding itself when the two are tied. The model owns it, unless it is quantized: then
    /// it is widened, into the current scope.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public Tensor HeadWeight
    {
        get
        {
            Body.ThrowIfDisposed();
            return _head?.Weight ?? Body.TokenEmbedding;
        }
    }

    /// <summary>From hidden states to logits. Who owns its tensors, <see cref="HeadWeight"/> says.</summary>
    public VocabularyProjection Head => new(HeadWeight, _head?.Bias, Config.LogitSoftCap);

    /// <summary>Type of the weights.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public ScalarType Type => Tokens.Type;

    /// <summary>A model with random weights on the CPU in float32, drawn as transformers does.</summary>
    /// <param name="config">Its shape.</param>
    /// <param name="seed">The weights are a function of it.</param>
    /// <exception cref="ArgumentException">The model would be far larger than this machine's memory.</exception>
    /// <exception cref="InvalidDataException">The numbers of the configuration do not fit together, or one is out of range.</exception>
    /// <exception cref="NotSupportedException">There is no such activation or kind of rotary positions.</exception>
    public static CausalLanguageModel Create(ModelConfig config, int seed)
    {
        ArgumentNullException.ThrowIfNull(config);
        ModelSize.RequireMemory(config.Validated(nameof(Create)));
        using RandomWeights weights = new(seed);
        return new CausalLanguageModel(config, weights);
    }

    /// <summary>A second model with equal weights that shares nothing with this one. The caller owns it.</summary>
    /// <param name="device">Where its weights go; null = where they are here.</param>
    /// <param name="type">Their type; null = as here.</param>
    /// <exception cref="ArgumentException">The device is not there, or weights cannot have the type.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    /// <remarks>
    /// The weights of a quantized model are widened in the copy, and adapters that are on are merged; so it can be trained as a whole.
    /// </remarks>
    public CausalLanguageModel Copy(Device? device = null, ScalarType? type = null) => Made(source => source, device, type);

    /// <summary>The same model with weights that another source makes of its copied ones.</summary>
    internal CausalLanguageModel Made(Func<WeightSource, WeightSource> change, Device? device, ScalarType? type)
    {
        using var scope = NewDisposeScope();
        CausalLanguageModel copy = new(Config, change(new CopiedWeights(Weights(), null, device, type)));
        copy.train(training);
        return copy;
    }

    /// <summary>A second model with the same weights in the same memory, and the adapters that are on; nothing of it is trained.</summary>
    /// <param name="withTrained">Whether adapters that are trained here are among them.</param>
    internal CausalLanguageModel Sharing(bool withTrained) =>
        ShareTo(new CausalLanguageModel(Config, new CopiedWeights(BaseWeights(), shares: true)), withTrained);

    /// <summary>Reads tokens; see <see cref="Decoder.Hidden"/>.</summary>
    /// <param name="ids">[B, T] int64 token ids.</param>
    /// <param name="mask">[B, cached + T] bool, true on real tokens; null when nothing is padded on the left.</param>
    /// <param name="cache">What was read before.</param>
    /// <returns>[B, T, H]. The caller owns it.</returns>
    /// <inheritdoc cref="Decoder.Hidden" path="/exception"/>
    public Tensor Hidden(Tensor ids, Tensor? mask = null, KeyValueCache? cache = null) => Body.Hidden(ids, mask, cache);

    /// <summary>Reads whole texts, but finishes some positions only; see <see cref="Decoder.HiddenAt"/>.</summary>
    /// <param name="ids">[B, T] int64 token ids; padding, if any, is on the right.</param>
    /// <param name="positions">[N] int64: which of the B·T positions, counted row by row.</param>
    /// <returns>[N, H]. The caller owns it.</returns>
    /// <inheritdoc cref="Decoder.HiddenAt" path="/exception"/>
    public Tensor HiddenAt(Tensor ids, Tensor positions) => Body.HiddenAt(ids, positions);

    /// <inheritdoc cref="Decoder.RoutedHiddenAt"/>
    internal Tensor HiddenAt(Tensor ids, Tensor positions, RouterLoad? load) =>
        Body.RoutedHiddenAt(ids, positions, load);

    /// <summary>Unnormalized log-probabilities of the next token.</summary>
    /// <param name="hidden">[..., H] from <see cref="Hidden"/>, in the type of the weights.</param>
    /// <returns>[..., V] in the type of the weights. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The states are of another width, type or device.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public Tensor Logits(Tensor hidden)
    {
        TokenEmbedding tokens = Tokens;
        RequireTensor.Floating(hidden);
        RequireTensor.Shape(hidden, hidden.dim() > 0 && hidden.size(-1) == Config.OutputSize, $"[..., {Config.OutputSize}]");
        RequireTensor.On(hidden, tokens.Device, "the weights");
        if (hidden.dtype != tokens.Type)
            throw new ArgumentException(
                $"hidden is {hidden.dtype}, the weights are {tokens.Type}; convert it with to_type.", nameof(hidden));
        if (Config.LogitSoftCap is not { } cap)
            return Products(hidden);
        using var scope = NewDisposeScope();
        return ((Products(hidden) / cap).tanh() * cap).MoveToOuterDisposeScope();
    }

    private Tensor Products(Tensor hidden) => _head is null ? Tokens.Product(hidden) : _head.Forward(hidden);

    private static NotSupportedException WritesNothing(ModelConfig config) => new(
        $"A {config.ModelType} model is an encoder, which writes nothing; use it as a text classifier, or give a causal language model.");

    /// <summary>Sets how many entries are dropped during training (after <c>train()</c>), everywhere alike.</summary>
    /// <param name="probability">In [0, 1); 0 turns dropout off.</param>
    /// <param name="generator">Random numbers on the model's device; the caller keeps it alive. Null turns dropout off.</param>
    /// <exception cref="ArgumentOutOfRangeException">The probability is out of range.</exception>
    public void SetDropout(double probability, Generator? generator)
    {
        Require.Below(probability, 0, 1);
        Body.SetDropout(probability, probability, probability, generator);
        Adapters?.SetDropout(generator);
    }
}
