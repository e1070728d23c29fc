using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>One block of GPT-2: attention, then feed-forward, each behind a norm and added to the residual stream.</summary>
internal sealed class Gpt2Block : nn.Module
{
    [ComponentName(Name = "ln_1")] private readonly LayerNormalization _attentionNorm;
    [ComponentName(Name = "attn")] private readonly Gpt2Attention _attention;
    [ComponentName(Name = "ln_2")] private readonly LayerNormalization _feedForwardNorm;
    [ComponentName(Name = "mlp")] private readonly Gpt2FeedForward _feedForward;

    public Gpt2Block(ModelConfig config, WeightSource weights, string name, int layer)
        : base(nameof(Gpt2Block))
    {
        _attentionNorm = new LayerNormalization(weights, name + ".ln_1", config.HiddenSize, config.NormEpsilon);
        _attention = new Gpt2Attention(config, weights, name + ".attn", layer);
        _feedForwardNorm = new LayerNormalization(weights, name + ".ln_2", config.HiddenSize, config.NormEpsilon);
        _feedForward = new Gpt2FeedForward(config, weights, name + ".mlp");
        RegisterComponents();
    }

    public LayerNormalization AttentionNorm => _attentionNorm;

    public Gpt2Attention Attention => _attention;

    public LayerNormalization FeedForwardNorm => _feedForwardNorm;

    public Gpt2FeedForward FeedForward => _feedForward;

    /// <summary>Drops entries before they join the residual stream.</summary>
    public Dropout Dropout { get; set; } = Dropout.None;

    /// <summary>Fresh weights that feed the residual stream are smaller, so that it does not grow with depth (the GPT-2 report, 2.3).</summary>
    public static double ResidualDeviation(ModelConfig config) => config.InitializerRange / Math.Sqrt(2.0 * config.LayerCount);

    /// <param name="x">[B·T, H].</param>
    /// <param name="pattern">Who sees whom.</param>
    /// <param name="cache">Earlier tokens; the new ones are added.</param>
    /// <param name="places">[N] the places that anybody asks for; null = all.</param>
    /// <returns>[B·T, H], or [N, H] where places were given. The caller owns it.</returns>
    public Tensor Forward(Tensor x, AttentionPattern pattern, KeyValueCache? cache, Tensor? places = null)
    {
        using var scope = NewDisposeScope();
        Tensor attended = _attention.Forward(_attentionNorm.forward(x), pattern, cache, places);
        Tensor seen = Dropout.Apply(attended, training).add_(places is null ? x : x.index_select(0, places));
        Tensor thought = Dropout.Apply(_feedForward.forward(_feedForwardNorm.forward(seen)), training);
        return thought.add_(seen).MoveToOuterDisposeScope();
    }
}
