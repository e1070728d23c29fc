namespace Microsoft.ML.Trl.Algorithms.Classification;

/// <summary>A text with its label.</summary>
/// <param name="Row">Place of the row in the data, counted from 0.</param>
/// <param name="Text">What is classified.</param>
/// <param name="Label">Name of the label; null where numbers are learnt.</param>
/// <param name="Value">The number to learn; 0 where labels are.</param>
internal sealed record LabelledText(long Row, string Text, string? Label, double Value);
