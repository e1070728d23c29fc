using Microsoft.ML.Trl.Models;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Adapters;

/// <summary>Makes references of each kind.</summary>
internal static class ReferenceKinds
{
    /// <summary>A frozen model with the weights that a model has now; where adapters are trained, it is that model without them.</summary>
    /// <param name="model">See <see cref="ReferenceModelExtensions.CreateReferenceModel"/>.</param>
    /// <param name="kind">How its weights are held; of no account where adapters are trained.</param>
    /// <param name="numSharedLayers">Layers that a full one shares.</param>
    /// <returns>In evaluation. The caller owns it.</returns>
    public static CausalLanguageModel CreateReferenceModel(
        this CausalLanguageModel model, ReferenceKind kind, int? numSharedLayers = null)
    {
        if (kind == ReferenceKind.Full || model.Adapters is { IsTrained: true })
            return model.CreateReferenceModel(numSharedLayers);
        QuantizedWeights.Check(model.Device, WeightQuantization.Int8);
        CausalLanguageModel reference = model.Made(source => QuantizedWeights.Of(source, WeightQuantization.Int8), null, null);
        foreach (Tensor weight in reference.parameters())
            weight.requires_grad = false;
        reference.eval();
        return reference;
    }
}
