using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>
/// Adds chunks to the gradient of a leaf weight: in place where that is float32, otherwise through a float32 sum that is rounded once.
/// </summary>
internal sealed class WeightGradient : IDisposable
{
    private readonly Tensor _weight, _sum;
    private readonly bool _inPlace;
    private bool _empty;

    private WeightGradient(Tensor weight)
    {
        _weight = weight;
        Tensor? existing = weight.grad;
        _inPlace = weight.dtype == ScalarType.Float32;
        _empty = !_inPlace || existing is null;
        _sum = _inPlace && existing is not null ? existing : empty_like(weight.detach(), ScalarType.Float32);
    }

    /// <summary>Null where the weight needs no gradient. Belongs to the current scope.</summary>
    public static WeightGradient? Of(Tensor weight) => weight.requires_grad ? new WeightGradient(weight) : null;

    /// <summary>Adds the gradient of one chunk.</summary>
    /// <param name="head">Multiplies.</param>
    /// <param name="logits">[n, V] float32 derivative by the logits, without the factors of the rows.</param>
    /// <param name="factors">[n] float32 factor of each row.</param>
    /// <param name="hidden">[n, H].</param>
    public void Add(VocabularyHead head, Tensor logits, Tensor factors, Tensor hidden)
    {
        head.AddWeightGradient(logits, factors, hidden, _sum, overwrite: _empty);
        _empty = false;
    }

    /// <summary>Leaves the sum in the weight's gradient.</summary>
    public void Dispose()
    {
        if (_empty)
            return;
        Tensor rounded = _sum.to_type(_weight.dtype);
        if (_weight.grad is not { } existing)
            _weight.grad = rounded;
        else if (!_inPlace)
            existing.add_(rounded);
    }
}
