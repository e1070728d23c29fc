using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>One of the data sets of a mixture: TRL's <c>DatasetConfig</c>. Immutable.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record DatasetPart
{
    /// <summary>A file, a folder, or a pattern of files.</summary>
    public required string Path { get; init; }

    /// <summary>
    /// Its share of the mixture, 0 or greater; shares are divided by their sum. The mixture is as large as it can be without a row twice,
    /// and has the first rows of each data set unless it has a seed. Null = all rows; then no other part may have one.
    /// </summary>
    public double? Fraction { get; init; }

    /// <summary>How it is read; <see cref="DatasetOptions.Columns"/> and <see cref="DatasetOptions.Split"/> stand there.</summary>
    public DatasetOptions Options { get; init; } = new();

    /// <summary>This part, checked.</summary>
    /// <exception cref="ArgumentException">Something is out of range; the message names it.</exception>
    internal DatasetPart Validated()
    {
        if (string.IsNullOrWhiteSpace(Path))
            throw new ArgumentException("Path is empty; it must be a file, a folder or a pattern.");
        Require.NotNegative(Fraction);
        ArgumentNullException.ThrowIfNull(Options);
        Options.Validated();
        return this;
    }
}
