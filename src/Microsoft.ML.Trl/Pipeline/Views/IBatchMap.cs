namespace Microsoft.ML.Trl.Pipeline;

/// <summary>A column that a transformer adds: text or single.</summary>
internal sealed record AddedColumn(string Name, Microsoft.ML.Data.DataViewType Type, DataViewSchema.Annotations? Annotations = null);

/// <summary>What a transformer computes for rows, many at once.</summary>
internal interface IBatchMap
{
    /// <summary>The text columns it reads.</summary>
    IReadOnlyList<DataViewSchema.Column> Inputs { get; }

    /// <summary>The columns it adds.</summary>
    IReadOnlyList<AddedColumn> Outputs { get; }

    /// <summary>Rows per call at the most.</summary>
    int BatchSize { get; }

    /// <summary>Computes the wanted columns.</summary>
    /// <param name="texts">One array per input column, one string per row.</param>
    /// <param name="wanted">One flag per output column.</param>
    /// <param name="firstRow">The position of the first row, for messages.</param>
    /// <returns>One array per output column (<see cref="string"/> or <see cref="float"/>), null where not wanted.</returns>
    Array?[] Compute(string[][] texts, bool[] wanted, long firstRow);
}
