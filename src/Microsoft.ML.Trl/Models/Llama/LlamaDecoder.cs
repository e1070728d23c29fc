using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>The LLaMA family, Mistral and Qwen 2 included: rotary positions, gated feed-forward, RMS norms.</summary>
internal sealed class LlamaDecoder : Decoder
{
    private readonly RotaryTable _angles;
    [ComponentName(Name = "embed_tokens")] private readonly EmbeddingTable _tokens;
    [ComponentName(Name = "layers")] private readonly ModuleList<LlamaBlock> _blocks;
    [ComponentName(Name = "norm")] private readonly RootMeanSquareNorm _norm;

    public LlamaDecoder(ModelConfig config, WeightSource weights)
        : base(config)
    {
        string prefix = PrefixOf(config);
        _angles = new RotaryTable(config.Rope!, config.HeadSize);
        _tokens = new EmbeddingTable(weights, prefix + ".embed_tokens", config.VocabularySize, config.HiddenSize, config.InitializerRange);
        _blocks = new ModuleList<LlamaBlock>([.. Enumerable.Range(0, config.LayerCount).Select(layer => new LlamaBlock(config, weights, $"{prefix}.layers.{layer}", layer))]);
        _norm = new RootMeanSquareNorm(weights, prefix + ".norm", config.HiddenSize, config.NormEpsilon);
        RegisterComponents();
    }

    public override Tensor TokenEmbedding => _tokens.Weight;

    public ModuleList<LlamaBlock> Blocks => _blocks;

    public RootMeanSquareNorm Norm => _norm;

    public RotaryTable Angles => _angles;

    public override Tensor Hidden(Tensor ids, Tensor? mask = null, KeyValueCache? cache = null)
    {
        using var scope = NewDisposeScope();
        AttentionPattern pattern = Pattern(ids, mask, cache);
        Tensor x = Read(ids, pattern, cache, null);
        cache?.Advance((int)pattern.Length);
        return x.MoveToOuterDisposeScope();
    }

    public override Tensor HiddenAt(Tensor ids, Tensor places) => Read(ids, Pattern(ids, null, null), null, places);

    internal override void SetDropout(double embedding, double attention, double residual, Generator? generator)
    {
        foreach (LlamaBlock block in _blocks)
            block.Attention.Dropout = new Dropout(attention, generator);
    }

    private Tensor Read(Tensor ids, AttentionPattern pattern, KeyValueCache? cache, Tensor? places) // -> [B, T, H], or [N, H]
    {
        using var scope = NewDisposeScope();
        (Tensor cosines, Tensor sines) = _angles.At(pattern.Positions, (int)(pattern.Past + pattern.Length), TokenEmbedding.dtype);
        Rotary rotary = new(cosines, sines);
        Tensor x = _tokens.forward(ids.reshape(-1)).view(pattern.Batch, pattern.Length, -1);
        for (int layer = 0; layer < _blocks.Count; layer++)
        {
            Tensor next = _blocks[layer].Forward(x, rotary, pattern, cache, layer + 1 == _blocks.Count ? places : null);
            x.Dispose();
            x = next;
        }
        return _norm.forward(x).MoveToOuterDisposeScope();
    }
}
