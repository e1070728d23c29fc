namespace Microsoft.ML.Trl.Datasets;

/// <summary>What a stage reads of one row.</summary>
/// <param name="Number">Place of the row in the data, counted from 0; messages name it.</param>
/// <param name="Texts">The text columns, in the order in which they were asked for.</param>
/// <param name="Value">The number column; null when none was asked for.</param>
internal sealed record TextRow(long Number, string[] Texts, double? Value);
