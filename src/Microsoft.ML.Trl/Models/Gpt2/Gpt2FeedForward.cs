using TorchSharp.Utils;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Feed-forward layer of GPT-2.</summary>
internal sealed class Gpt2FeedForward : nn.Module<Tensor, Tensor>
{
    private readonly Func<Tensor, Tensor> _activation;
    [ComponentName(Name = "c_fc")] private readonly Conv1D _input;
    [ComponentName(Name = "c_proj")] private readonly Conv1D _output;

    public Gpt2FeedForward(ModelConfig config, WeightSource weights, string name)
        : base(nameof(Gpt2FeedForward))
    {
        _activation = Activations.Named(config.Activation);
        _input = new Conv1D(weights, name + ".c_fc", config.HiddenSize, config.IntermediateSize, config.InitializerRange);
        _output = new Conv1D(weights, name + ".c_proj", config.IntermediateSize, config.HiddenSize, Gpt2Block.ResidualDeviation(config));
        RegisterComponents();
    }

    public Conv1D Input => _input;

    public Conv1D Output => _output;

    public override Tensor forward(Tensor input) // [B·T, H] -> [B·T, H]
    {
        using var scope = NewDisposeScope();
        return _output.forward(_activation(_input.forward(input))).MoveToOuterDisposeScope();
    }
}
