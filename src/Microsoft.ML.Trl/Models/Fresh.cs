using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>How a weight is drawn when there is no stored value.</summary>
internal sealed class Fresh
{
    private readonly Func<Tensor, Generator, Tensor> _fill;

    private Fresh(Func<Tensor, Generator, Tensor> fill) => _fill = fill;

    /// <summary>All 0.</summary>
    public static Fresh Zero { get; } = new((tensor, _) => tensor.fill_(0));

    /// <summary>All 1.</summary>
    public static Fresh One { get; } = new((tensor, _) => tensor.fill_(1));

    /// <summary>Normal around 0.</summary>
    public static Fresh Normal(double deviation) => new((tensor, chance) => tensor.normal_(0, deviation, chance));

    /// <summary>Even between -<paramref name="bound"/> and <paramref name="bound"/>.</summary>
    public static Fresh Uniform(double bound) => new((tensor, chance) => tensor.uniform_(-bound, bound, chance));

    /// <summary>Writes the whole tensor and returns it.</summary>
    public Tensor Fill(Tensor tensor, Generator chance) => _fill(tensor, chance);
}
