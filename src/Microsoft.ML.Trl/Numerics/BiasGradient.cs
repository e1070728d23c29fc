using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>Adds chunks to the gradient of a leaf bias, through a float32 sum that is rounded once.</summary>
internal sealed class BiasGradient : IDisposable
{
    private readonly Tensor _bias, _sum;

    private BiasGradient(Tensor bias) => (_bias, _sum) = (bias, zeros_like(bias.detach(), ScalarType.Float32));

    /// <summary>Null where there is no bias, or it needs no gradient. Belongs to the current scope.</summary>
    public static BiasGradient? Of(Tensor? bias) => bias is { requires_grad: true } ? new BiasGradient(bias) : null;

    /// <summary>Adds the gradient of one chunk.</summary>
    /// <param name="logits">[n, V] float32 derivative by the logits, without the factors of the rows.</param>
    /// <param name="factors">[n] float32 factor of each row.</param>
    public void Add(Tensor logits, Tensor factors) => _sum.addmv_(logits.transpose(0, 1), factors);

    /// <summary>Leaves the sum in the bias's gradient.</summary>
    public void Dispose()
    {
        Tensor rounded = _sum.to_type(_bias.dtype);
        if (_bias.grad is { } existing)
            existing.add_(rounded);
        else
            _bias.grad = rounded;
    }
}
