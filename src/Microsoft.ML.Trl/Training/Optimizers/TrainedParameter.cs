using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>A weight to train.</summary>
/// <param name="Name">Its path in the checkpoint.</param>
/// <param name="Value">The leaf itself. Its owner keeps it.</param>
internal sealed record TrainedParameter(string Name, Tensor Value)
{
    /// <summary>By how much the learning rate is multiplied.</summary>
    public double Rate { get; init; } = 1;

    /// <summary>
    /// Whether weight decay acts on it. It never does on tensors of one dimension, which are biases and weights of norms, nor on what is
    /// called a bias, as T5's table of relative positions: transformers' rule.
    /// </summary>
    public bool Decays => Value.dim() >= 2 && !Name.Contains("bias", StringComparison.OrdinalIgnoreCase);

    /// <summary>Each tensor once, and those without gradient not at all.</summary>
    public static IEnumerable<TrainedParameter> Of(IEnumerable<(string Name, Tensor Value)> weights) => weights
        .Where(weight => weight.Value.requires_grad)
        .DistinctBy(weight => weight.Value.Handle)
        .Select(weight => new TrainedParameter(weight.Name, weight.Value));
}
