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

    /// <inheritdoc/>
    public void Report(StepReport value)
    {
        ArgumentNullException.ThrowIfNull(value);
        string line = StepLine.Of(value);
        bool last = value.Step >= value.TotalSteps;
        lock (_writer)
        {
            if (!_overwrite && !last && _written is { } before && Stopwatch.GetElapsedTime(before) < _interval)
                return;
            _written = last ? null : Stopwatch.GetTimestamp(); // the next run begins with a line
            if (_overwrite)
                _writer.Write("\r" + line.PadRight(_shown));
            else
                _writer.WriteLine(line);
            if (_overwrite && last)
                _writer.WriteLine();
            _shown = last ? 0 : line.Length;
            _writer.Flush();
        }
    }
}
