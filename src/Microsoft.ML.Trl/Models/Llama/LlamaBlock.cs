using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>One block of the LLaMA family: attention, then feed-forward, each behind a norm and added to the residual stream.</summary>
internal sealed class LlamaBlock : nn.Module
{
    [ComponentName(Name = "input_layernorm")] private readonly RootMeanSquareNorm _attentionNorm;
    [ComponentName(Name = "self_attn")] private readonly LlamaAttention _attention;
    [ComponentName(Name = "post_attention_layernorm")] private readonly RootMeanSquareNorm _feedForwardNorm;
    [ComponentName(Name = "mlp")] private readonly GatedFeedForward _feedForward;

    public LlamaBlock(ModelConfig config, WeightSource weights, string name, int layer)
        : base(nameof(LlamaBlock))
    {
        _attentionNorm = new RootMeanSquareNorm(weights, name + ".input_layernorm", config.HiddenSize, config.NormEpsilon);
        _attention = new LlamaAttention(config, weights, name + ".self_attn", layer);
        _feedForwardNorm = new RootMeanSquareNorm(weights, name + ".post_attention_layernorm", config.HiddenSize, config.NormEpsilon);
        _feedForward = new GatedFeedForward(config, weights, name + ".mlp");
        RegisterComponents();
    }

    public RootMeanSquareNorm AttentionNorm => _attentionNorm;

    public LlamaAttention Attention => _attention;

    public RootMeanSquareNorm FeedForwardNorm => _feedForwardNorm;

    public GatedFeedForward FeedForward => _feedForward;

    /// <param name="x">[B, T, H].</param>
    /// <param name="rotary">Angles of the new tokens.</param>
    /// <param name="pattern">Who sees whom.</param>
    /// <param name="cache">Earlier tokens; the new ones are added.</param>
    /// <param name="places">[N] the places that anybody asks for, out of B·T; null = all.</param>
    /// <returns>[B, T, H], or [N, H] where places were given. The caller owns it.</returns>
    public Tensor Forward(Tensor x, Rotary rotary, AttentionPattern pattern, KeyValueCache? cache, Tensor? places = null)
    {
        using var scope = NewDisposeScope();
        Tensor attended = _attention.Forward(_attentionNorm.forward(x), rotary, pattern, cache, places);
        Tensor seen = attended.add(places is null ? x : x.flatten(0, 1).index_select(0, places));
        return _feedForward.forward(_feedForwardNorm.forward(seen)).add(seen).MoveToOuterDisposeScope();
    }
}
