using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>
/// A transformer that reads from left to right: token ids in, hidden states out. Its family hands in the parts; the heads stand elsewhere.
/// </summary>
public sealed class Decoder : nn.Module
{
    private readonly TokenEmbedding _tokens;
    private readonly Positions _positions;
    private readonly IReadOnlyList<Block> _blocks;
    private readonly IReadOnlyList<nn.Module<Tensor, Tensor>> _entry, _exit;
    private readonly TokenTypes? _types;
    private readonly nn.Module<Tensor, Tensor>? _embeddingNorm;
    private Dropout _dropout = Models.Dropout.None;
    private Generator? _random;
    private EmbeddingNoise? _noise;

    /// <summary>Puts the parts together; the list of blocks has its own name in the checkpoint.</summary>
    /// <param name="config">Shape and habits.</param>
    /// <param name="tokens">From token ids to the first rows.</param>
    /// <param name="positions">Adds, turns or biases.</param>
    /// <param name="blocks">In their order.</param>
    /// <param name="exit">What follows the last block: mostly a norm.</param>
    /// <param name="entry">What stands between the embedding of tokens and the positions that are added; mostly nothing.</param>
    /// <param name="types">Adds a row for the kind of each token, in encoders; null = none.</param>
    /// <param name="embeddingNorm">Follows what was added, in encoders; null = none.</param>
    internal Decoder(
        ModelConfig config, TokenEmbedding tokens, Positions positions, IReadOnlyList<Block> blocks,
        IReadOnlyList<nn.Module<Tensor, Tensor>> exit, IReadOnlyList<nn.Module<Tensor, Tensor>>? entry = null,
        TokenTypes? types = null, nn.Module<Tensor, Tensor>? embeddingNorm = null)
        : base(nameof(Decoder))
    {
        (Config, _tokens, _positions, _blocks, _exit, _entry) = (config, tokens, positions, blocks, exit, entry ?? []);
        BlocksName = config.Family.BlocksName;
        if (!tokens.IsShared)
            this.Own(tokens);
        this.Own(positions);
        this.Own(BlocksName, new ModuleList<Block>([.. blocks]));
        this.Own([.. _entry, .. exit]);
        (_types, _embeddingNorm) = (types, embeddingNorm);
        if (types is not null)
            this.Own(types);
        if (embeddingNorm is not null)
            this.Own(embeddingNorm);
    }

    /// <summary>Shape and habits.</summary>
    public ModelConfig Config { get; }

    /// <summary>Whether dropout also stands behind the last part, as in T5.</summary>
    internal bool DropsOutput { get; init; }

    /// <summary>From token ids to the first rows.</summary>
    internal TokenEmbedding Tokens => _tokens;

    /// <summary>Weights of what follows the last block.</summary>
    internal IEnumerable<Tensor> LastWeights() => _exit.SelectMany(part => part.parameters());

    /// <summary>In their order.</summary>
    internal IReadOnlyList<Block> Blocks => _blocks;

    /// <summary>How blocks run while gradients are recorded; null = as they are.</summary>
    internal BlockTraining? BlockTraining { get; set; }

    /// <summary>Name of the list of blocks in the checkpoint: <c>h</c>, <c>layers</c>.</summary>
    internal string BlocksName { get; }

    /// <summary>
    /// [V, H] one row per token; also the vocabulary projection where the two are tied. The decoder owns it, unless it is quantized: then
    /// it is widened, and the caller's.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The weights were disposed.</exception>
    public Tensor TokenEmbedding
    {
        get
        {
            ThrowIfDisposed();
            return _tokens.Weight;
        }
    }

    /// <summary>Fails unless a tensor is where the weights are.</summary>
    private void CheckPlace(Tensor tensor, string name)
    {
        ThrowIfDisposed();
        RequireTensor.On(tensor, _tokens.Device, "the weights", name);
    }

    /// <summary>Reads tokens.</summary>
    /// <param name="ids">[B, T] int64 token ids; padding may be any id of the vocabulary.</param>
    /// <param name="mask">
    /// [B, S] bool, true on real tokens, S = cached + new tokens. Null when nothing is padded or the padding is on the right:
    /// causal attention never looks there. Positions in the text come from the mask, never from the ids.</param>
    /// <param name="cache">What was read before; the new tokens are added to it. Only without gradients.</param>
    /// <param name="prompts">What the encoder of an encoder-decoder says about the prompts, one per row; null where there is none.</param>
    /// <returns>
    /// [B, T, H] after the final norm, in the type of the weights. The caller owns it. What stands at padding means nothing.
    /// </returns>
    /// <exception cref="ArgumentException">
    /// A shape or type does not fit, an id is not in the vocabulary (looked at on the CPU alone), the sequence is longer than the context,
    /// or the cache has no room, was made for another decoder, or holds what a longer text reads by other rotary frequencies (longrope). Or
    /// encoded prompts are missing, one too many or not one per row.
    /// </exception>
    /// <exception cref="InvalidOperationException">There is a cache, and gradients are recorded.</exception>
    /// <exception cref="ObjectDisposedException">The weights or the cache were disposed.</exception>
    public Tensor Hidden(Tensor ids, Tensor? mask = null, KeyValueCache? cache = null, EncodedPrompts? prompts = null)
    {
        CheckIds(ids);
        using var scope = NewDisposeScope();
        AttentionPattern pattern = AttentionPattern.Create(ids, mask, cache?.Length ?? 0, Config, prompts: prompts);
        return Run(ids, pattern, cache).view(pattern.Batch, pattern.Length, -1).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Reads whole texts, but finishes some positions only: what the last block does after its attention is done for those alone.
    /// </summary>
    /// <param name="ids">[B, T] int64 token ids; padding, if any, is on the right.</param>
    /// <param name="positions">[N] int64: which of the B·T positions, counted row by row.</param>
    /// <param name="mask">[B, T] bool, true on real tokens; only encoders need one, where there is padding.</param>
    /// <param name="tokenTypes">[B, T] int64 the kind of each token, for encoders that know several; null = all of the first.</param>
    /// <param name="prompts">What the encoder of an encoder-decoder says about the prompts, one per row; null where there is none.</param>
    /// <returns>[N, H]: rows of <see cref="Hidden"/>, at less cost. The caller owns it.</returns>
    /// <exception cref="ArgumentException">
    /// A shape or type does not fit, an id or a position is none (looked at on the CPU alone), or the sequence is longer than the context.
    /// Or encoded prompts are missing, one too many or not one per row.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The weights were disposed.</exception>
    public Tensor HiddenAt(
        Tensor ids, Tensor positions, Tensor? mask = null, Tensor? tokenTypes = null, EncodedPrompts? prompts = null)
    {
        CheckIds(ids);
        CheckPositions(ids, positions);
        if (tokenTypes is not null)
            CheckTypes(ids, tokenTypes);
        using var scope = NewDisposeScope();
        AttentionPattern pattern = AttentionPattern.Create(ids, mask, 0, Config, tokenTypes, prompts);
        return Run(ids, pattern, null, positions).MoveToOuterDisposeScope();
    }

    /// <summary>As <see cref="HiddenAt"/>, of texts that are padded on the right.</summary>
    /// <param name="ids">[B, T] int64 token ids.</param>
    /// <param name="positions">[N] int64: which of the B·T positions, counted row by row.</param>
    /// <param name="load">Told where the routers of experts send the tokens; null = nobody.</param>
    /// <returns>[N, H]. The caller owns it.</returns>
    internal Tensor RoutedHiddenAt(Tensor ids, Tensor positions, RouterLoad? load)
    {
        CheckIds(ids);
        CheckPositions(ids, positions);
        using var scope = NewDisposeScope();
        return Run(ids, AttentionPattern.Create(ids, null, 0, Config, load: load), null, positions).MoveToOuterDisposeScope();
    }

    /// <summary>As <see cref="RoutedHiddenAt"/>, at the cost of some tokens alone: the others go through no layer.</summary>
    /// <param name="ids">[B, T] int64 token ids, padded on the right.</param>
    /// <param name="parts">What is read.</param>
    /// <param name="positions">[N] int64: which of the B·T positions, all of which are read, counted row by row.</param>
    /// <param name="load">Told where the routers of experts send the tokens; null = nobody.</param>
    /// <returns>[N, H]. The caller owns it.</returns>
    internal Tensor HiddenAtParts(Tensor ids, TextParts parts, Tensor positions, RouterLoad? load)
    {
        CheckIds(ids);
        CheckPositions(ids, positions);
        using var scope = NewDisposeScope();
        (long rows, long width) = (ids.size(0), ids.size(1));
        AttentionPattern pattern = AttentionPattern.OneBehindTheOther(parts.Parts, width, ids.device, Config, load);
        Tensor read = tensor(parts.Read(width), device: ids.device), places = tensor(parts.Places(rows, width), device: ids.device);
        return Run(ids.flatten().index_select(0, read), pattern, null, places.index_select(0, positions)).MoveToOuterDisposeScope();
    }

    /// <summary>Sets what is dropped during training; nothing without a generator.</summary>
    internal void SetDropout(double embedding, double attention, double residual, Generator? generator)
    {
        (_dropout, _random) = (new Dropout(embedding, generator), generator);
        foreach (Block block in _blocks)
            block.SetDropout(new Dropout(attention, generator), new Dropout(residual, generator));
    }

    /// <summary>Parameters of what stands before the first block.</summary>
    internal IEnumerable<Tensor> EmbeddingParameters()
    {
        nn.Module?[] parts = [_tokens, _positions, .. _entry, _types, _embeddingNorm];
        return parts.SelectMany(part => part?.parameters() ?? []);
    }

    /// <summary>Sets the noise on the embeddings of tokens during training; null = none.</summary>
    internal void SetNoise(EmbeddingNoise? noise) => _noise = noise;

    /// <summary>Fails unless these are tokens that the decoder can be asked about.</summary>
    /// <param name="ids">[B, T] int64.</param>
    /// <exception cref="ArgumentException">They are not.</exception>
    /// <exception cref="ObjectDisposedException">The weights were disposed.</exception>
    internal void CheckIds(Tensor ids)
    {
        RequireTensor.Alive(ids);
        string shape = RequireTensor.ShapeOf(ids);
        if (ids.dim() != 2 || ids.dtype != ScalarType.Int64)
            throw new ArgumentException(
                $"Token ids must be int64 of shape [batch, length]; they are {ids.dtype} of shape {shape}.", nameof(ids));
        if (ids.NumberOfElements == 0)
            throw new ArgumentException($"Token ids have shape {shape}; at least one row of at least one token is needed.", nameof(ids));
        CheckPlace(ids, nameof(ids));
        RequireTensor.Below(ids, Config.VocabularySize);
    }

    private void CheckPositions(Tensor ids, Tensor positions)
    {
        RequireTensor.Indices(positions);
        RequireTensor.Shape(positions, positions.dim() == 1, "[N]");
        CheckPlace(positions, nameof(positions));
        RequireTensor.Below(positions, ids.NumberOfElements);
    }

    private void CheckTypes(Tensor ids, Tensor tokenTypes)
    {
        if (_types is null)
            throw new ArgumentException($"A {Config.ModelType} model knows no kinds of tokens; omit tokenTypes.", nameof(tokenTypes));
        RequireTensor.Indices(tokenTypes);
        RequireTensor.Shape(tokenTypes, tokenTypes.shape.AsSpan().SequenceEqual(ids.shape), RequireTensor.ShapeOf(ids));
        RequireTensor.Beside(tokenTypes, ids, "the token ids");
        RequireTensor.Below(tokenTypes, _types.Count);
    }

    private void CheckPrompts(AttentionPattern pattern)
    {
        if (Config.IsEncoderDecoder != pattern.Prompts is not null)
            throw new ArgumentException(Config.IsEncoderDecoder
                ? $"The decoder of a {Config.ModelType} model looks at what its encoder says about the prompts, but prompts is null; "
                    + "give what Encode returns. A TokenBatch must come from the Batch method of this model."
                : $"A {Config.ModelType} model has no encoder, but prompts are given; give prompt and answer one behind the other.");
        if (pattern.Prompts is { } prompts && prompts.Rows != pattern.Batch)
            throw new ArgumentException($"There are {prompts.Rows} encoded prompts for {pattern.Batch} rows of tokens; give one per row.");
    }

    /// <exception cref="ObjectDisposedException">The weights were disposed.</exception>
    internal void ThrowIfDisposed()
    {
        if (_tokens.IsDisposed)
            throw ReferenceCount.Disposed(Config.ModelType + " model");
    }

    /// <summary>Reads tokens in a pattern that is known.</summary>
    /// <param name="ids">[B·T] or [B, T] int64.</param>
    /// <param name="pattern">Who sees whom, and where the tokens stand.</param>
    /// <param name="cache">What was read before; the new tokens are added to it.</param>
    /// <param name="rows">[N] int64 which of the B·T rows anybody asks for; null = all.</param>
    /// <returns>[B·T, H], or [N, H] where rows were given, after the final norm. The caller owns it.</returns>
    internal Tensor Run(Tensor ids, AttentionPattern pattern, KeyValueCache? cache = null, Tensor? rows = null)
    {
        ThrowIfDisposed();
        CheckPrompts(pattern);
        cache?.CheckUse(this, pattern.Batch, pattern.Length);
        using var scope = NewDisposeScope();
        Tensor x = Embed(ids, pattern);
        bool needsAll = pattern.RouterLoad is not null;
        BlockTraining? run = cache is null && is_grad_enabled() ? BlockTraining : null;
        if (run is not null)
            _positions.Prepare(pattern);
        for (int layer = 0; layer < _blocks.Count; layer++)
        {
            Tensor? asked = layer + 1 == _blocks.Count && !needsAll ? rows : null;
            Tensor next = run?.Forward(_blocks[layer], x, pattern, asked, _random) ?? _blocks[layer].Forward(x, pattern, cache, asked);
            x.Dispose();
            x = next;
        }
        if (needsAll && rows is not null)
            x = x.index_select(0, rows);
        cache?.Advance((int)pattern.Length);
        foreach (nn.Module<Tensor, Tensor> part in _exit)
            x = part.forward(x);
        return (DropsOutput ? _dropout.Apply(x, training) : x).MoveToOuterDisposeScope();
    }

    private Tensor Embed(Tensor ids, AttentionPattern pattern) // -> [B·T, H]
    {
        using var scope = NewDisposeScope();
        Tensor x = _tokens.forward(ids.reshape(-1));
        if (training && _noise is not null)
            x = _noise.AddTo(x, pattern.LongestText);
        foreach (nn.Module<Tensor, Tensor> part in _entry)
            x = part.forward(x);
        x = _positions.AddTo(x, pattern);
        if (_types is not null)
            x = _types.AddTo(x, pattern);
        if (_embeddingNorm is not null)
            x = _embeddingNorm.forward(x);
        return _dropout.Apply(x, training).MoveToOuterDisposeScope();
    }
}
