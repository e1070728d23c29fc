using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Attention of GPT-2: one projection to queries, keys and values side by side.</summary>
internal sealed class Gpt2Attention : nn.Module
{
    private readonly int _layer;
    private readonly int _heads;
    private readonly int _headSize;
    private readonly double _scale;
    [ComponentName(Name = "c_attn")] private readonly Conv1D _input;
    [ComponentName(Name = "c_proj")] private readonly Conv1D _output;

    public Gpt2Attention(ModelConfig config, WeightSource weights, string name, int layer)
        : base(nameof(Gpt2Attention))
    {
        (_layer, _heads, _headSize) = (layer, config.HeadCount, config.HeadSize);
        _scale = (config.ScaleAttention ? 1 / Math.Sqrt(config.HeadSize) : 1) / (config.ScaleAttentionByLayer ? layer + 1 : 1);
        _input = new Conv1D(weights, name + ".c_attn", config.HiddenSize, 3 * config.HiddenSize, config.InitializerRange);
        _output = new Conv1D(weights, name + ".c_proj", config.HiddenSize, config.HiddenSize, Gpt2Block.ResidualDeviation(config));
        RegisterComponents();
    }

    public Conv1D Input => _input;

    public Conv1D Output => _output;

    public double Scale => _scale;

    /// <summary>Drops attention weights during training.</summary>
    public Dropout Dropout { get; set; } = Dropout.None;

    /// <param name="x">[B·T, H].</param>
    /// <param name="pattern">Who sees whom.</param>
    /// <param name="cache">Earlier tokens; the new ones are added.</param>
    /// <param name="places">[N] the places that anybody asks for; null = all.</param>
    /// <returns>[B·T, H], or [N, H] where places were given. The caller owns it.</returns>
    public Tensor Forward(Tensor x, AttentionPattern pattern, KeyValueCache? cache, Tensor? places = null)
    {
        using var scope = NewDisposeScope();
        Tensor packed = _input.forward(x); // [B·T, 3·H]
        bool drops = training && !Dropout.IsOff;
        Tensor mixed = !drops && pattern.IsLeftPaddedAtMost && HostMemory.IsUsable(packed)
            ? InMemory(packed, pattern, cache)
            : Composed(packed, pattern, cache, drops);
        return _output.forward(places is null ? mixed : mixed.index_select(0, places)).MoveToOuterDisposeScope();
    }

    private Tensor InMemory(Tensor packed, AttentionPattern pattern, KeyValueCache? cache)
    {
        AttentionShape shape = AttentionShape.Of(pattern, _heads, _heads, _headSize, _scale, null);
        if (cache is null)
            return PackedAttention.Of(packed, shape);
        using var scope = NewDisposeScope();
        Tensor heads = packed.view(pattern.Batch, pattern.Length, 3, _heads, _headSize);
        cache.Append(_layer, heads.select(2, 1).transpose(1, 2), heads.select(2, 2).transpose(1, 2));
        return PackedAttention.OverCache(packed, cache, _layer, shape).MoveToOuterDisposeScope();
    }

    private Tensor Composed(Tensor packed, AttentionPattern pattern, KeyValueCache? cache, bool drops)
    {
        using var scope = NewDisposeScope();
        Tensor heads = packed.view(pattern.Batch, pattern.Length, 3, _heads, _headSize);
        Tensor Part(long index) => heads.select(2, index).transpose(1, 2); // [B, h, T, d]
        (Tensor keys, Tensor values) = cache is null ? (Part(1), Part(2)) : cache.Append(_layer, Part(1), Part(2));
        Tensor mixed = Models.Attention.Composed(Part(0), keys, values, pattern, null, _scale, drops ? weights => Dropout.Apply(weights, true) : null);
        return mixed.view(packed.shape[0], -1).MoveToOuterDisposeScope();
    }
}
