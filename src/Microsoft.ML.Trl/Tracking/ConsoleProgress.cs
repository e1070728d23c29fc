namespace Microsoft.ML.Trl;

/// <summary>
/// Shows where training is: step, loss, tokens per second and the time left, in one line that is written over on a terminal, and in one
/// line per report where the output goes to a file.
/// </summary>
/// <example><c>ml.Trl().Sft(source, options, progress: new ConsoleProgress())</c></example>
public sealed class ConsoleProgress : IProgress<StepReport>
{
    private readonly TextWriter _writer;
    private readonly bool _overwrite;
    private int _shown;

    /// <summary>Writes to the console's error stream, so that redirected results stay clean.</summary>
    public ConsoleProgress()
        : this(Console.Error, !Console.IsErrorRedirected) { }

    /// <summary>Writes to any writer.</summary>
    /// <param name="writer">Where lines go; the caller owns it.</param>
    /// <param name="overwrite">Whether a carriage return brings the cursor back to the line's begin, as terminals do.</param>
    public ConsoleProgress(TextWriter writer, bool overwrite)
    {
        ArgumentNullException.ThrowIfNull(writer);
        _writer = writer;
        _overwrite = overwrite;
    }

    /// <inheritdoc/>
    public void Report(StepReport value)
    {
        ArgumentNullException.ThrowIfNull(value);
        string line = StepLine.Of(value);
        lock (_writer)
        {
            if (_overwrite)
                _writer.Write("\r" + line.PadRight(_shown));
            else
                _writer.WriteLine(line);
            bool last = value.Step >= value.TotalSteps;
            if (_overwrite && last)
                _writer.WriteLine();
            _shown = last ? 0 : line.Length;
            _writer.Flush();
        }
    }
}
