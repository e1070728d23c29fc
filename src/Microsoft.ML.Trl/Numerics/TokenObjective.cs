namespace Microsoft.ML.Trl.Numerics;

/// <summary>Cost of a label: scale · w · ((1 - s) · nll + s · mean nll over the vocabulary).</summary>
/// <param name="Scale">Factor on every label's cost, usually one over the labels of the whole effective batch.</param>
/// <param name="Smoothing">s, in [0, 1): label smoothing, arXiv:1512.00567, Eq. 12.</param>
/// <param name="WeighByProbability">w is the label's own probability, taken as a constant (arXiv:2508.05629, Eq. 9); otherwise 1.</param>
internal readonly record struct TokenObjective(float Scale, float Smoothing = 0, bool WeighByProbability = false);
