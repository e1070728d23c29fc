namespace Microsoft.ML.Trl;

/// <summary>What a classifier says of a text.</summary>
/// <param name="Label">The likeliest label.</param>
/// <param name="Scores">The unbounded score of each label, in the order of the classifier's labels.</param>
/// <param name="Probabilities">Of each label: the softmax of the scores; of a classifier with one label, the sigmoid of its score.</param>
public sealed record LabelPrediction(string Label, IReadOnlyList<float> Scores, IReadOnlyList<float> Probabilities);
