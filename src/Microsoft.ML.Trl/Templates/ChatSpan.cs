namespace Microsoft.ML.Trl;

/// <summary>A part of a text, in UTF-16 units.</summary>
/// <param name="Start">Offset of its first character.</param>
/// <param name="End">Offset behind its last character.</param>
public readonly record struct ChatSpan(int Start, int End);
