using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Gives a parameter the name of a module: <c>lm_head.weight</c>.</summary>
internal sealed class ParameterHolder : nn.Module
{
    public ParameterHolder(string name, Parameter parameter)
        : base(nameof(ParameterHolder)) => register_parameter(name, parameter);
}
