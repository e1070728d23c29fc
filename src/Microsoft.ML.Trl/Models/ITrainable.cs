using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>What training needs to know of a network beside its parameters.</summary>
internal interface ITrainable
{
    /// <summary>Device of the weights.</summary>
    Device Device { get; }

    /// <summary>Drops during training (after <c>train()</c>) what the configuration says.</summary>
    /// <param name="generator">On the model's device; the caller keeps it alive. Null turns dropout off.</param>
    void SetDropout(Generator? generator);
}
