using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>A feed-forward layer that may drop what its activation gives, during training.</summary>
internal abstract class DroppingFeedForward(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>What stands between activation and output; nothing, but in T5.</summary>
    public Dropout Dropout { get; set; } = Dropout.None;
}

/// <summary>Feed-forward layer of the first transformers: arXiv:1706.03762, Eq. 2, with any activation.</summary>
internal sealed class FeedForward : DroppingFeedForward
{
    private readonly Func<Tensor, Tensor> _activation;
    private readonly ILinear _input, _output;

    public FeedForward(string name, Func<Tensor, Tensor> activation, ILinear input, ILinear output) : base(name)
    {
        (_activation, _input, _output) = (activation, input, output);
        this.Own(input.Module, output.Module);
    }

    public override Tensor forward(Tensor input) // [N, H] -> [N, H]
    {
        using var scope = NewDisposeScope();
        return _output.Forward(Dropout.Apply(_activation(_input.Forward(input)), training)).MoveToOuterDisposeScope();
    }
}

/// <summary>Gated feed-forward layer: arXiv:2002.05202, Eq. 6, with any activation.</summary>
internal sealed class GatedFeedForward : DroppingFeedForward
{
    private readonly Func<Tensor, Tensor> _activation;
    private readonly ILinear _gate, _up, _down;

    public GatedFeedForward(string name, Func<Tensor, Tensor> activation, ILinear gate, ILinear up, ILinear down) : base(name)
    {
        (_activation, _gate, _up, _down) = (activation, gate, up, down);
        this.Own(gate.Module, up.Module, down.Module);
    }

    public override Tensor forward(Tensor input) // [N, H] -> [N, H]
    {
        using var scope = NewDisposeScope();
        return _down.Forward(Dropout.Apply(_activation(_gate.Forward(input)) * _up.Forward(input), training)).MoveToOuterDisposeScope();
    }
}

/// <summary>Gated feed-forward layer whose gate and input come from one layer, side by side.</summary>
internal sealed class PackedGatedFeedForward : nn.Module<Tensor, Tensor>
{
    private readonly Func<Tensor, Tensor> _activation;
    private readonly ILinear _gateAndUp, _down;

    public PackedGatedFeedForward(string name, Func<Tensor, Tensor> activation, ILinear gateAndUp, ILinear down) : base(name)
    {
        (_activation, _gateAndUp, _down) = (activation, gateAndUp, down);
        this.Own(gateAndUp.Module, down.Module);
    }

    public override Tensor forward(Tensor input) // [N, H] -> [N, H]
    {
        using var scope = NewDisposeScope();
        Tensor[] halves = _gateAndUp.Forward(input).chunk(2, -1);
        return _down.Forward(_activation(halves[0]) * halves[1]).MoveToOuterDisposeScope();
    }
}
