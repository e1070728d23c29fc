using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Activation functions by the names of Hugging Face configurations.</summary>
internal static class Activations
{
    private static readonly double Root = Math.Sqrt(2 / Math.PI);

    /// <param name="name">A name that <see cref="ModelConfig.Activation"/> allows.</param>
    public static Func<Tensor, Tensor> Named(string name) => name switch
    {
        "gelu_new" or "gelu_pytorch_tanh" => TanhGelu,
        "gelu" => nn.functional.gelu,
        "relu" => x => x.relu(),
        "silu" => x => x.silu(),
        _ => throw new NotSupportedException($"There is no activation '{name}'."),
    };

    /// <summary>Gaussian error linear unit in its tanh form, as in GPT-2: arXiv:1606.08415.</summary>
    /// <returns>A new tensor of the same shape. The caller owns it.</returns>
    public static Tensor TanhGelu(Tensor x) => HostMemory.IsUsable(x) ? GeluFunction.Of(x) : ComposedTanhGelu(x);

    /// <summary>The same from plain tensor operations, for every device and type.</summary>
    public static Tensor ComposedTanhGelu(Tensor x)
    {
        using var scope = NewDisposeScope();
        Tensor inner = (x * (x.square().mul_(0.044715 * Root).add_(Root))).tanh();
        return (0.5 * x * (1 + inner)).MoveToOuterDisposeScope();
    }
}
