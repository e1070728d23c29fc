using Microsoft.ML.Trl.Tests.TestSupport;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Models;

/// <summary>What a model says about texts, and the gradients of a sum of it.</summary>
internal sealed record ModelReading(float[] States, Dictionary<string, float[]> Gradients)
{
    public static ModelReading Of(
        CausalLanguageModel model, IReadOnlyList<TokenExample> texts, bool paddingFree, Func<TokenBatch, Tensor> read)
    {
        using var scope = NewDisposeScope();
        using TokenBatch batch = model.BatchOf(texts, paddingFree);
        using Tensor hidden = read(batch);
        using Tensor weights = arange(hidden.NumberOfElements, ScalarType.Float32).sin().view(hidden.shape);
        (hidden * weights).sum().backward();
        HandedGradients.Drop();
        Dictionary<string, float[]> gradients = model.named_parameters().Where(pair => pair.parameter.grad is not null)
            .ToDictionary(pair => pair.name, pair => pair.parameter.grad!.flatten().data<float>().ToArray());
        foreach ((string _, var parameter) in model.named_parameters())
            parameter.grad = null!;
        return new ModelReading(hidden.detach().flatten().data<float>().ToArray(), gradients);
    }

    /// <summary>Fails unless another reading gives the same numbers.</summary>
    public void RequireSame(ModelReading actual, string name)
    {
        Close.Relative(States, actual.States, 2e-5, name);
        CollectionAssert.AreEquivalent(Gradients.Keys, actual.Gradients.Keys);
        foreach ((string weight, float[] gradient) in Gradients)
            Close.Absolute(gradient, actual.Gradients[weight], 1e-4 * Math.Max(1, gradient.Max(Math.Abs)), $"{name} {weight}");
    }
}
