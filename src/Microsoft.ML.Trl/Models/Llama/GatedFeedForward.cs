using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Gated feed-forward layer of the LLaMA family: arXiv:2002.05202, Eq. 6.</summary>
internal sealed class GatedFeedForward : nn.Module<Tensor, Tensor>
{
    private readonly Func<Tensor, Tensor> _activation;
    [ComponentName(Name = "gate_proj")] private readonly Projection _gate;
    [ComponentName(Name = "up_proj")] private readonly Projection _up;
    [ComponentName(Name = "down_proj")] private readonly Projection _down;

    public GatedFeedForward(ModelConfig config, WeightSource weights, string name)
        : base(nameof(GatedFeedForward))
    {
        _activation = Activations.Named(config.Activation);
        Projection Make(string part, long input, long output) => new(weights, $"{name}.{part}", input, output, config.InitializerRange, config.FeedForwardBias);
        _gate = Make("gate_proj", config.HiddenSize, config.IntermediateSize);
        _up = Make("up_proj", config.HiddenSize, config.IntermediateSize);
        _down = Make("down_proj", config.IntermediateSize, config.HiddenSize);
        RegisterComponents();
    }

    public Projection Gate => _gate;

    public Projection Up => _up;

    public Projection Down => _down;

    public override Tensor forward(Tensor input) // [B, T, H] -> [B, T, H]
    {
        using var scope = NewDisposeScope();
        return _down.forward(_activation(_gate.forward(input)) * _up.forward(input)).MoveToOuterDisposeScope();
    }
}
