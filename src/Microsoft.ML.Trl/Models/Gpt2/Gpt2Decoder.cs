using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>GPT-2: learned positions, blocks that normalize first.</summary>
internal sealed class Gpt2Decoder : Decoder
{
    private Dropout _dropout = Models.Dropout.None;
    [ComponentName(Name = "wte")] private readonly EmbeddingTable _tokens;
    [ComponentName(Name = "wpe")] private readonly EmbeddingTable _positions;
    [ComponentName(Name = "h")] private readonly ModuleList<Gpt2Block> _blocks;
    [ComponentName(Name = "ln_f")] private readonly LayerNormalization _norm;

    public Gpt2Decoder(ModelConfig config, WeightSource weights)
        : base(config)
    {
        string prefix = PrefixOf(config);
        _tokens = new EmbeddingTable(weights, prefix + ".wte", config.VocabularySize, config.HiddenSize, config.InitializerRange);
        _positions = new EmbeddingTable(weights, prefix + ".wpe", config.ContextLength, config.HiddenSize, config.InitializerRange);
        _blocks = new ModuleList<Gpt2Block>([.. Enumerable.Range(0, config.LayerCount).Select(layer => new Gpt2Block(config, weights, $"{prefix}.h.{layer}", layer))]);
        _norm = new LayerNormalization(weights, prefix + ".ln_f", config.HiddenSize, config.NormEpsilon);
        RegisterComponents();
    }

    public override Tensor TokenEmbedding => _tokens.Weight;

    public Tensor PositionEmbedding => _positions.Weight;

    public ModuleList<Gpt2Block> Blocks => _blocks;

    public LayerNormalization Norm => _norm;

    public override Tensor Hidden(Tensor ids, Tensor? mask = null, KeyValueCache? cache = null)
    {
        using var scope = NewDisposeScope();
        AttentionPattern pattern = Pattern(ids, mask, cache);
        Tensor x = Read(ids, pattern, cache, null);
        cache?.Advance((int)pattern.Length);
        return x.view(pattern.Batch, pattern.Length, -1).MoveToOuterDisposeScope();
    }

    public override Tensor HiddenAt(Tensor ids, Tensor places) => Read(ids, Pattern(ids, null, null), null, places);

    internal override void SetDropout(double embedding, double attention, double residual, Generator? generator)
    {
        _dropout = new Dropout(embedding, generator);
        foreach (Gpt2Block block in _blocks)
        {
            block.Attention.Dropout = new Dropout(attention, generator);
            block.Dropout = new Dropout(residual, generator);
        }
    }

    private Tensor Read(Tensor ids, AttentionPattern pattern, KeyValueCache? cache, Tensor? places) // -> [B·T, H], or [N, H]
    {
        using var scope = NewDisposeScope();
        Tensor x = Embed(ids, pattern);
        for (int layer = 0; layer < _blocks.Count; layer++)
        {
            Tensor next = _blocks[layer].Forward(x, pattern, cache, layer + 1 == _blocks.Count ? places : null);
            x.Dispose();
            x = next;
        }
        return _norm.forward(x).MoveToOuterDisposeScope();
    }

    private Tensor Embed(Tensor ids, AttentionPattern pattern) // [B, T] -> [B·T, H]
    {
        using var scope = NewDisposeScope();
        Tensor tokens = _tokens.forward(ids.reshape(-1));
        Tensor positions = _positions.forward(pattern.Positions.reshape(-1)); // [T, H] or [B·T, H]
        Tensor sum = positions.shape[0] == tokens.shape[0]
            ? tokens.add_(positions)
            : tokens.view(pattern.Batch, pattern.Length, -1).add(positions).view(tokens.shape);
        return _dropout.Apply(sum, training).MoveToOuterDisposeScope();
    }
}
