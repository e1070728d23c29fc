using System.Text.Json.Nodes;

namespace Microsoft.ML.Trl.Datasets;

/// <summary>Where a row of a data set stands.</summary>
/// <param name="File">Its file.</param>
/// <param name="Unit">What is counted in that file: lines or rows.</param>
/// <param name="Number">Counted from 1.</param>
internal readonly record struct RowPlace(string File, string Unit, long Number)
{
    /// <summary>The error that names the place.</summary>
    public InvalidDataException Error(string problem, Exception? cause = null) => new($"{this}: {problem}", cause);

    public override string ToString() => FormattableString.Invariant($"{File}, {Unit} {Number}");
}

/// <summary>A row that was read.</summary>
/// <param name="Values">By the names of the columns; owned by whoever gets the row.</param>
/// <param name="Place">Where it stands.</param>
/// <param name="IsLmFlow">Whether it is an instance of a file of LMFlow.</param>
internal sealed record LocatedRow(JsonObject Values, RowPlace Place, bool IsLmFlow = false);
