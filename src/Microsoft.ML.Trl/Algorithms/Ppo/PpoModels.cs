using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>What a session asks of the models that it is given.</summary>
internal static class PpoModels
{
    /// <summary>Fails unless they differ and are held as the options say.</summary>
    /// <param name="policy">Given by the caller.</param>
    /// <param name="reference">Given by the caller, or null.</param>
    /// <param name="options">Of the session.</param>
    /// <exception cref="ArgumentException">They are not; the message says what to do.</exception>
    public static void Check(CausalLanguageModel policy, CausalLanguageModel? reference, PpoOptions options)
    {
        if (reference == policy)
            throw new ArgumentException(
                "The reference is the policy itself, which every step changes; give another model, or null for a copy.", nameof(reference));
        if (reference is not null && options.ReferenceModel == ReferenceKind.Int8 && reference.Quantization != WeightQuantization.Int8)
            throw new ArgumentException(
                $"ReferenceModel is {options.ReferenceModel}, but the weights of the reference that was given are held as "
                + $"{reference.Quantization}; give one loaded as {nameof(WeightQuantization.Int8)}, or set ReferenceModel to Full.",
                nameof(options));
        QuantizedWeights.RequireHeld(policy, options.BaseQuantization, "policy");
    }

    /// <summary>The weights of a model; of a quantized one those that are not, since all others would be widened together.</summary>
    public static IEnumerable<(string Name, Tensor Value)> Readable(CausalLanguageModel model) =>
        model.Quantization == WeightQuantization.None ? model.Weights() : model.PlainBase();
}
