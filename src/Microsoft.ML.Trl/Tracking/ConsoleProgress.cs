using System.Diagnostics;

namespace Microsoft.ML.Trl;

/// <summary>
/// Shows where training is: step, loss, tokens per second and the time left, in one line that is written over on a terminal. Where the
/// output goes to a file, it gets a line for the first report, the last one, and in between one every few seconds.
/// </summary>
/// <example><c>ml.Trl().Sft(source, options, progress: new ConsoleProgress())</c></example>
public sealed class ConsoleProgress : IProgress<StepReport>
{
    private readonly TextWriter _writer;
    private readonly bool _overwrite;
    private readonly TimeSpan _interval;
    private int _shown;
    private long? _written;

    /// <summary>Writes to the console's error stream, so that redirected results stay clean.</summary>
    public ConsoleProgress()
        : this(Console.Error, !Console.IsErrorRedirected, TimeSpan.FromSeconds(5)) { }

    /// <summary>Writes to any writer.</summary>
    /// <param name="writer">Where lines go; the caller owns it.</param>
    /// <param name="overwrite">Whether a carriage return brings the cursor back to the line's begin, as terminals do.</param>
    /// <param name="interval">
    /// Least time between two lines, the first and the last of a run aside. Without effect where lines are written over.
    /// </param>
    /// <exception cref="ArgumentOutOfRangeException">The interval is negative.</exception>
    public ConsoleProgress(TextWriter writer, bool overwrite, TimeSpan interval = default)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentOutOfRangeException.ThrowIfLessThan(interval, TimeSpan.Zero);
        (_writer, _overwrite, _interval) = (writer, overwrite, interval);
    }

    /// <summary>
    /// Completions of each report that are printed as a table beneath its line, at least 0: prompt, completion, and where there are any the
    /// reference's completion and the score. 0, the default: only the beginning of the first stands in the line.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public int CompletionsToPrint
    {
        get;
        init
        {
            Require.AtLeast(value, 0, nameof(CompletionsToPrint));
            field = value;
        }
    }

    /// <inheritdoc/>
    public void Report(StepReport value)
    {
        ArgumentNullException.ThrowIfNull(value);
        SampleCompletion[] table = [.. value.Completions.Take(CompletionsToPrint)];
        string line = StepLine.Of(table.Length > 0 ? value with { Completions = [] } : value);
        bool last = value.Step >= value.TotalSteps || value.StopReason is not null;
        bool stays = last || table.Length > 0 || value.Metrics.Keys.Any(name => name.StartsWith("eval_", StringComparison.Ordinal));
        lock (_writer)
        {
            if (!_overwrite && !stays && _written is { } before && Stopwatch.GetElapsedTime(before) < _interval)
                return;
            _written = last ? null : Stopwatch.GetTimestamp(); // the next run begins with a line
            if (_overwrite)
                _writer.Write("\r" + line.PadRight(_shown));
            else
                _writer.WriteLine(line);
            if (_overwrite && stays)
                _writer.WriteLine();
            _shown = stays ? 0 : line.Length;
            foreach (string row in CompletionTable.Lines(table))
                _writer.WriteLine(row);
            _writer.Flush();
        }
    }
}
