using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Activation functions by the names of Hugging Face configurations.</summary>
internal static class Activations
{
    /// <summary>Those of feed-forward layers.</summary>
    public static IReadOnlyList<string> Names { get; } = ["gelu_new", "gelu_pytorch_tanh", "gelu", "relu", "silu"];

    /// <param name="name">One of <see cref="Names"/>, or <c>tanh</c>, which heads have.</param>
    public static Func<Tensor, Tensor> Named(string name) => name switch
    {
        "gelu_new" or "gelu_pytorch_tanh" => x => x.gelu(TorchSharp.Modules.GELU.Approximate.tanh),
        "gelu" => x => x.gelu(),
        "relu" => x => x.relu(),
        "tanh" => x => x.tanh(),
        "silu" => x => x.silu(),
        _ => throw new NotSupportedException($"There is no activation '{name}'."),
    };
}
