using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>The adapters of a model, as far as the model itself knows of them.</summary>
internal interface IModelAdapters : IDisposable
{
    /// <summary>Whether one of them is trained, in the place of the model's weights.</summary>
    bool IsTrained { get; }

    /// <summary>Whether a parameter is a part of an adapter, and no weight of the model.</summary>
    bool Owns(Parameter parameter);

    /// <summary>What a weight is without adapters, where one has put its own in its place; null elsewhere.</summary>
    Tensor? Replaced(Tensor weight);

    /// <summary>By how much the learning rate of a parameter is multiplied: LoRA+, arXiv:2402.12354.</summary>
    double RateOf(Tensor parameter);

    /// <summary>Drops inputs of adapters during training as their options say.</summary>
    /// <param name="generator">Random numbers; the caller keeps it alive. Null turns dropout off.</param>
    void SetDropout(Generator? generator);

    /// <summary>Puts the adapters that are on beside another model of the same decoder. Memory is shared, and nothing is trained.</summary>
    /// <param name="other">Has none yet.</param>
    /// <param name="withTrained">Whether those that are trained are among them.</param>
    void ShareWith(DecoderModel other, bool withTrained);
}
