using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>A decoder with a head.</summary>
public abstract class DecoderModel : nn.Module
{
    private protected DecoderModel(string name, ModelConfig config, WeightSource weights) : base(name)
    {
        (Config, Quantization, Holding) = (config, weights.Quantization, weights.Holding);
        Body = config.Family.Build(config, weights);
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

    /// <summary>How the matrices are held in memory.</summary>
    public WeightQuantization Quantization { get; }

    /// <summary>Makes a source that holds what another one gives as this model does.</summary>
    internal Func<WeightSource, WeightSource> Holding { get; }

    /// <summary>Device of the weights.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public Device Device => Tokens.Device;

    /// <summary>Number of weights, shared ones counted once; those of adapters are not counted.</summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public long ParameterCount =>
        Parameters().Sum(weight => weight.Value.NumberOfElements)
            + Quantized().Sum(part => part.Value.Matrix.Outputs * part.Value.Matrix.Inputs);

    /// <summary>
    /// All weights that the model computes with, under their Hugging Face names; a tied projection appears once, as the embedding. Where an
    /// adapter is on, it is merged: the model of these weights alone computes the same. The model owns the tensors, but for quantized and
    /// merged ones: these are made one by one, into the current scope.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The model was disposed.</exception>
    public IEnumerable<(string Name, Tensor Value)> Weights() => LazyWeights().Select(weight => (weight.Name, weight.Value()));

    /// <summary>The same, each made when it is asked for.</summary>
    internal IEnumerable<LazyWeight> LazyWeights()
    {
        IEnumerable<LazyWeight> own = Parameters().Select(weight => new LazyWeight(weight.Name, () => weight.Value))
            .Concat(Quantized().Select(Lazy));
        if (Adapters is null)
            return own;
        Dictionary<string, LinearModule> changed = Linears().Where(part => part.Layer.Adapter is { IsActive: true })
            .ToDictionary(part => $"{part.Name}.weight", part => part.Layer);
        return own.Select(weight => changed.TryGetValue(weight.Name, out LinearModule? layer)
            ? new LazyWeight(weight.Name, () => Merged(layer, weight))
            : weight);
    }

    /// <summary>The weights as they are without any adapter. The model owns the tensors, but for quantized ones.</summary>
    internal IEnumerable<(string Name, Tensor Value)> BaseWeights() => LazyBase().Select(weight => (weight.Name, weight.Value()));

    /// <summary>The same, each made when it is asked for.</summary>
    internal IEnumerable<LazyWeight> LazyBase() => PlainBase()
        .Select(weight => new LazyWeight(weight.Name, () => weight.Value)).Concat(Quantized().Select(Lazy));

    /// <summary>What a saved pipeline holds: weights without any adapter, quantized ones in their few bits. The model owns them.</summary>
    internal IEnumerable<(string Name, Tensor Value)> HeldWeights() => PlainBase().Concat(
        Quantized().SelectMany(weight => weight.Value.Matrix.Parts.Select(
            part => (part.Name.Length == 0 ? weight.Name : $"{weight.Name}.{part.Name}", part.Value))));

    /// <summary>Those of the weights without any adapter that are not quantized. The model owns them.</summary>
    internal IEnumerable<(string Name, Tensor Value)> PlainBase() =>
        Parameters().Select(weight => (weight.Name, Adapters?.Replaced(weight.Value) ?? weight.Value));

    /// <summary>All parameters in memory, those of adapters included, by their names in the tree of modules. The model owns them.</summary>
    internal IEnumerable<(string Name, Tensor Value)> Everything() =>
        named_parameters().Select(pair => (pair.name, (Tensor)pair.parameter));

    /// <summary>What stands beside the weights; null = nothing. The model owns it.</summary>
    internal IModelAdapters? Adapters { get; set; }

    /// <summary>The blocks of the encoder, where there is one, and of the decoder, each list in its order.</summary>
    internal IReadOnlyList<IReadOnlyList<Block>> Stacks => Encoder is null ? [Body.Blocks] : [Encoder.Blocks, Body.Blocks];

    /// <summary>Says how blocks run while gradients are recorded; null = as they are.</summary>
    internal void SetBlockTraining(BlockTraining? run)
    {
        Body.BlockTraining = run;
        if (Encoder is not null)
            Encoder.BlockTraining = run;
    }

    /// <summary>The folder that the weights without adapters were read from; null where they came from elsewhere.</summary>
    internal string? Folder { get; set; }

    /// <summary>All linear layers, by their path in the checkpoint.</summary>
    internal IEnumerable<(string Name, LinearModule Layer)> Linears() =>
        named_modules().Where(part => part.module is LinearModule)
            .DistinctBy(part => part.module) // TorchSharp also names modules by the fields that hold them
            .Select(part => (part.name, (LinearModule)part.module));

    /// <summary>Drops during training (after <c>train()</c>) what the configuration says.</summary>
    /// <param name="generator">Random numbers on the model's device; the caller keeps it alive. Null turns dropout off.</param>
    public virtual void SetDropout(Generator? generator)
    {
        Body.SetDropout(Config.EmbeddingDropout, Config.AttentionDropout, Config.ResidualDropout, generator);
        Encoder?.SetDropout(Config.EmbeddingDropout, Config.AttentionDropout, Config.ResidualDropout, generator);
        Adapters?.SetDropout(generator);
    }

    /// <summary>Puts noise on the embeddings of tokens during training (after <c>train()</c>); null = none.</summary>
    internal void SetNoise(EmbeddingNoise? noise)
    {
        Body.SetNoise(noise);
        Encoder?.SetNoise(noise);
    }

    /// <summary>Fails where nothing can be trained.</summary>
    /// <param name="what">The model, in the words of the caller.</param>
    /// <exception cref="InvalidOperationException">No weight is trained.</exception>
    /// <exception cref="NotSupportedException">They are quantized.</exception>
    internal void RequireTrainable(string what)
    {
        Body.ThrowIfDisposed();
        if (Quantized().Any() && Adapters is not { IsTrained: true })
            throw new NotSupportedException(
                $"The {what} has quantized weights, which cannot be trained; add an adapter (Peft, AddAdapter), load it without "
                + "quantization, or train a Copy(), whose weights are widened.");
        if (!parameters().Any(weight => weight.requires_grad))
            throw new InvalidOperationException(
                $"The {what} has no weight that is trained: its adapters are off or only to be used, or it shares the weights of another "
                + "model. Turn on an adapter that is trained, add one, or train a Copy().");
    }

    /// <summary>
    /// Gives a model that was made of these weights, in the same memory, the adapters that are on; nothing of it is trained.
    /// </summary>
    internal T ShareTo<T>(T twin, bool withTrained)
        where T : DecoderModel
    {
        foreach (Tensor weight in twin.parameters())
            weight.requires_grad = false; // whoever trained them would train this model, too
        Adapters?.ShareWith(twin, withTrained);
        twin.Folder = Folder;
        twin.train(training);
        return twin;
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

    private static LazyWeight Lazy((string Name, IQuantizedWeight Value) weight) =>
        new(weight.Name, weight.Value.Widen, weight.Value.Matrix);

    private static Tensor Merged(LinearModule layer, LazyWeight weight)
    {
        using var scope = NewDisposeScope();
        return layer.Adapter!.Merged(layer, weight.Value()).MoveToOuterDisposeScope();
    }

    private IEnumerable<(string Name, Tensor Value)> Parameters()
    {
        Body.ThrowIfDisposed();
        return named_parameters().Where(pair => Adapters?.Owns(pair.parameter) != true)
            .Select(pair => (pair.name, (Tensor)pair.parameter));
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
            Adapters?.Dispose();
        base.Dispose(disposing);
    }

    private IEnumerable<(string Name, IQuantizedWeight Value)> Quantized() =>
        named_modules().Where(part => part.module is IQuantizedWeight)
            .DistinctBy(part => part.module) // TorchSharp also names modules by the fields that hold them
            .Select(part => ($"{part.name}.weight", (IQuantizedWeight)part.module));
}
