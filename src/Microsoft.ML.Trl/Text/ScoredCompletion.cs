namespace Microsoft.ML.Trl;

/// <summary>A completion and how good it is.</summary>
/// <param name="Completion">The new text alone.</param>
/// <param name="Score">Higher is better.</param>
public sealed record ScoredCompletion(string Completion, double Score);
