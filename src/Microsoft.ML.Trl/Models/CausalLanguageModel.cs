using Microsoft.ML.Trl.Operators;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>
/// A decoder with a vocabulary projection: predicts the next token. In an encoder-decoder, such as T5, an encoder reads the prompt, and the
/// decoder, which writes the answer, looks at what the encoder says.
/// </summary>
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
        Layout = new TextLayout(config.IsEncoderDecoder ? config.DecoderStartTokenId : null);
        if (config.TieWordEmbeddings)
            return;
        Initializer initializer = Initializer.Normal(config.InitializerRange);
        _head = weights.Head(
            new WeightPath(weights, config.Family.HeadName), config.OutputSize, config.VocabularySize, initializer,
            config.HeadBias ? Initializer.Zeros : null);
        this.Own(_head.Module);
    }

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

    /// <summary>How prompt and answer lie before this model.</summary>
    internal TextLayout Layout { get; }

    /// <summary>From hidden states to logits. Who owns its tensors, <see cref="HeadWeight"/> says.</summary>
    public VocabularyProjection Head => new(HeadWeight, _head?.Bias, Config.LogitSoftCap, Config.HeadScale);

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
        CausalLanguageModel copy = new(Config, change(new CopiedWeights(LazyWeights(), null, device, type)));
        copy.train(training);
        return copy;
    }

    /// <summary>Reads prompts with the encoder of an encoder-decoder, for its decoder to look at.</summary>
    /// <param name="ids">[B, S] int64 token ids.</param>
    /// <param name="mask">[B, S] bool, true on real tokens, wherever the padding is; null when nothing is padded.</param>
    /// <returns>One row per prompt. The caller disposes it.</returns>
    /// <exception cref="ArgumentException">
    /// A shape or type does not fit, an id is not in the vocabulary, or a prompt is all padding (looked at on the CPU alone).
    /// </exception>
    /// <exception cref="NotSupportedException">The model has no encoder.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public EncodedPrompts Encode(Tensor ids, Tensor? mask = null)
    {
        if (Encoder is null)
            throw new NotSupportedException(
                $"A {Config.ModelType} model has no encoder; give prompt and answer to Hidden, one behind the other.");
        using var scope = NewDisposeScope();
        Tensor states = Encoder.Hidden(ids, mask); // [B, S, H]
        Tensor? real = mask?.ne(0);
        if (real is not null && real.device_type == TorchSharp.DeviceType.CPU && !real.any(1).all().item<bool>())
            throw new ArgumentException("The mask has a row without any real token; a prompt needs at least one.", nameof(mask));
        return new EncodedPrompts(states, real);
    }

    /// <summary>Texts as this model reads them: the batch that <see cref="HiddenAt(TokenBatch)"/> takes.</summary>
    /// <param name="rows">At least one; each with a prompt where the model has an encoder, which reads it.</param>
    /// <returns>On the device of the model. The caller disposes it.</returns>
    /// <exception cref="ArgumentException">A text is missing, empty, not marked token by token, or lacks the prompt.</exception>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public TokenBatch Batch(IReadOnlyList<TokenExample> rows) => TokenBatch.Of(rows, Layout, Device);

    /// <summary>As <see cref="Batch"/>.</summary>
    /// <param name="rows">At least one.</param>
    /// <param name="paddingFree">Whether the model is to read the batch without its padding.</param>
    /// <exception cref="NotSupportedException">It is, and the model has an encoder.</exception>
    internal TokenBatch BatchOf(IReadOnlyList<TokenExample> rows, bool paddingFree) =>
        paddingFree && Config.IsEncoderDecoder
            ? throw NeedsPadding(Config) : TokenBatch.Of(rows, Layout, Device, paddingFree);

    internal static NotSupportedException NeedsPadding(ModelConfig config) => new(
        $"PaddingFree is not supported for a {config.ModelType} model, whose encoder reads the prompts; set it to false.");

    /// <summary>A second model with the same weights in the same memory, and the adapters that are on; nothing of it is trained.</summary>
    /// <param name="withTrained">Whether adapters that are trained here are among them.</param>
    internal CausalLanguageModel Sharing(bool withTrained) =>
        ShareTo(new CausalLanguageModel(Config, Holding(new CopiedWeights(LazyBase(), shares: true))), withTrained);

    /// <summary>Reads tokens; see <see cref="Decoder.Hidden"/>.</summary>
    /// <param name="ids">[B, T] int64 token ids; in an encoder-decoder those of the answers, behind the start token.</param>
    /// <param name="mask">[B, cached + T] bool, true on real tokens; null when nothing is padded on the left.</param>
    /// <param name="cache">What was read before.</param>
    /// <param name="prompts">What the encoder says, of <see cref="Encode"/>; null where there is none.</param>
    /// <returns>[B, T, H]. The caller owns it.</returns>
    /// <inheritdoc cref="Decoder.Hidden" path="/exception"/>
    public Tensor Hidden(Tensor ids, Tensor? mask = null, KeyValueCache? cache = null, EncodedPrompts? prompts = null) =>
        Body.Hidden(ids, mask, cache, prompts);

    /// <summary>Reads whole texts, but finishes some positions only; see <see cref="Decoder.HiddenAt"/>.</summary>
    /// <param name="ids">[B, T] int64 token ids; padding, if any, is on the right.</param>
    /// <param name="positions">[N] int64: which of the B·T positions, counted row by row.</param>
    /// <param name="prompts">What the encoder says, of <see cref="Encode"/>; null where there is none.</param>
    /// <returns>[N, H]. The caller owns it.</returns>
    /// <inheritdoc cref="Decoder.HiddenAt" path="/exception"/>
    public Tensor HiddenAt(Tensor ids, Tensor positions, EncodedPrompts? prompts = null) => Body.HiddenAt(ids, positions, prompts: prompts);

    /// <summary>Reads the texts of a batch, but finishes those positions only that predict a label.</summary>
    /// <param name="batch">Of <see cref="Batch"/>.</param>
    /// <returns>[N, H], one row per label. The caller owns it.</returns>
    /// <inheritdoc cref="Decoder.HiddenAt" path="/exception"/>
    public Tensor HiddenAt(TokenBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return batch.Parts is { } parts
            ? Body.HiddenAtParts(batch.Ids, parts, batch.TargetRows, null) : HiddenAt(batch.Ids, batch.TargetRows, batch.Prompts);
    }

    /// <summary>The same of prompts that are not encoded yet.</summary>
    internal Tensor HiddenAt(Tensor ids, Tensor positions, PromptBatch? prompts)
    {
        using EncodedPrompts? encoded = prompts is null ? null : Encode(prompts.Ids, prompts.Mask);
        return Body.HiddenAt(ids, positions, prompts: encoded);
    }

    /// <summary>The same, with news of where the routers of experts send the tokens.</summary>
    /// <param name="batch">Of <see cref="Batch"/>.</param>
    /// <param name="load">Told of it; null = nobody.</param>
    internal Tensor HiddenAt(TokenBatch batch, RouterLoad? load) =>
        load is null ? HiddenAt(batch)
        : batch.IsPaddingFree ? Body.HiddenAtParts(batch.Ids, TextParts.WholeRows(batch.Lengths), batch.TargetRows, load)
        : Body.RoutedHiddenAt(batch.Ids, batch.TargetRows, load); // shared prompts would be counted once

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
        using var scope = NewDisposeScope();
        Tensor scaled = Config.HeadScale == 1 ? hidden : hidden * Config.HeadScale;
        Tensor logits = _head is null ? tokens.Product(scaled) : _head.Forward(scaled);
        return (Config.LogitSoftCap is { } cap ? (logits / cap).tanh() * cap : logits).MoveToOuterDisposeScope();
    }

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
        Encoder?.SetDropout(probability, probability, probability, generator);
        Adapters?.SetDropout(generator);
    }
}
