using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Clones the weights of another model.</summary>
/// <param name="weights">The other model's tensors by name.</param>
/// <param name="otherwise">Gives what the other model lacks; null when it must lack nothing.</param>
/// <param name="device">Where the copies go; null = where the originals are.</param>
/// <param name="type">Their type; null = that of the originals.</param>
internal sealed class CopiedWeights(
    IEnumerable<(string Name, Tensor Value)> weights, WeightSource? otherwise = null, Device? device = null, ScalarType? type = null) : WeightSource
{
    private readonly Dictionary<string, Tensor> _weights = weights.ToDictionary(weight => weight.Name, weight => weight.Value);

    protected override Tensor Make(string name, Fresh fresh, long[] shape)
    {
        if (_weights.TryGetValue(name, out Tensor? value))
            return value.detach().to(type ?? value.dtype, device ?? value.device, copy: true);
        if (otherwise is null)
            throw new InvalidOperationException($"The model to copy has no weight '{name}'.");
        Tensor like = _weights.Values.First();
        using Tensor drawn = otherwise.Take(name, fresh, shape);
        return drawn.detach().to(like.dtype, like.device, copy: true);
    }
}
