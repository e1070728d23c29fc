using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>
/// Copies of weights, to go back to when a step of several updates fails halfway. They belong to the scope that they were made in.
/// </summary>
internal sealed class WeightSnapshot
{
    private readonly (Tensor Weight, Tensor Copy)[] _weights;

    /// <param name="weights">What may change; a tensor without gradient is not copied.</param>
    public WeightSnapshot(IEnumerable<Tensor> weights)
    {
        using IDisposable frozen = no_grad();
        _weights = [.. weights.Where(weight => weight.requires_grad).Select(weight => (weight, weight.detach().clone()))];
    }

    /// <summary>Gives the weights the values that they had.</summary>
    public void Restore()
    {
        using IDisposable frozen = no_grad();
        foreach ((Tensor weight, Tensor copy) in _weights)
            weight.copy_(copy);
    }
}
