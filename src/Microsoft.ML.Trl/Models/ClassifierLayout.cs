namespace Microsoft.ML.Trl.Models;

/// <summary>How the sequence classifiers of a family end: perhaps a layer, then the projection onto the labels.</summary>
/// <param name="Output">Name of the projection in the checkpoint, from the root of the model.</param>
/// <param name="Dense">Name of the layer before it; null = none.</param>
/// <param name="Activation">Follows that layer; one of <see cref="Activations"/>.</param>
/// <param name="HasBias">Whether the projection has a bias.</param>
internal sealed record ClassifierLayout(string Output, string? Dense = null, string Activation = "tanh", bool HasBias = false);
