using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Attention of the LLaMA family: rotary positions, shared key-value heads, an optional window.</summary>
internal sealed class LlamaAttention : nn.Module
{
    private readonly int _layer;
    private readonly int _headSize;
    private readonly double _scale;
    private readonly int? _window;
    [ComponentName(Name = "q_proj")] private readonly Projection _queries;
    [ComponentName(Name = "k_proj")] private readonly Projection _keys;
    [ComponentName(Name = "v_proj")] private readonly Projection _values;
    [ComponentName(Name = "o_proj")] private readonly Projection _output;

    public LlamaAttention(ModelConfig config, WeightSource weights, string name, int layer)
        : base(nameof(LlamaAttention))
    {
        (_layer, _headSize, _scale, _window) = (layer, config.HeadSize, 1 / Math.Sqrt(config.HeadSize), config.WindowOf(layer));
        long width = (long)config.HeadCount * config.HeadSize;
        long shared = (long)config.KeyValueHeadCount * config.HeadSize;
        Projection Make(string part, long input, long output, bool bias) => new(weights, $"{name}.{part}", input, output, config.InitializerRange, bias);
        _queries = Make("q_proj", config.HiddenSize, width, config.AttentionInputBias);
        _keys = Make("k_proj", config.HiddenSize, shared, config.AttentionInputBias);
        _values = Make("v_proj", config.HiddenSize, shared, config.AttentionInputBias);
        _output = Make("o_proj", width, config.HiddenSize, config.AttentionOutputBias);
        RegisterComponents();
    }

    public Projection Queries => _queries;

    public Projection Keys => _keys;

    public Projection Values => _values;

    public Projection Output => _output;

    public double Scale => _scale;

    public int? Window => _window;

    /// <summary>Drops attention weights during training.</summary>
    public Dropout Dropout { get; set; } = Dropout.None;

    /// <param name="x">[B, T, H].</param>
    /// <param name="rotary">Angles of the new tokens.</param>
    /// <param name="pattern">Who sees whom.</param>
    /// <param name="cache">Earlier tokens; the new ones are added.</param>
    /// <param name="places">[N] the places that anybody asks for, out of B·T; null = all.</param>
    /// <returns>[B, T, H], or [N, H] where places were given. The caller owns it.</returns>
    public Tensor Forward(Tensor x, Rotary rotary, AttentionPattern pattern, KeyValueCache? cache, Tensor? places = null)
    {
        using var scope = NewDisposeScope();
        Tensor queries = rotary.Turn(_queries.forward(x), _headSize).transpose(1, 2);                                // [B, h, T, d]
        Tensor keys = rotary.Turn(_keys.forward(x), _headSize).transpose(1, 2);                                      // [B, kv, T, d]
        Tensor values = _values.forward(x).view(pattern.Batch, pattern.Length, -1, _headSize).transpose(1, 2);       // [B, kv, T, d]
        if (cache is not null)
            (keys, values) = cache.Append(_layer, keys, values);
        Tensor mixed = Attention.Composed(queries, keys, values, pattern, _window, _scale, training && !Dropout.IsOff ? w => Dropout.Apply(w, true) : null);
        return _output.forward(places is null ? mixed : mixed.flatten(0, 1).index_select(0, places)).MoveToOuterDisposeScope();
    }
}
