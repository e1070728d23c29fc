namespace Microsoft.ML.Trl.Training;

/// <summary>
/// What reads the rows of a stage, those that it learns and those that its evaluations measure. Columns are found here, before a model is
/// loaded.
/// </summary>
internal sealed class StageReaders<TReader>
    where TReader : class
{
    private readonly TReader? _heldOut;

    /// <summary>Finds the columns.</summary>
    /// <param name="stage">The stage, and its training data if it has some of its own.</param>
    /// <param name="options">With the evaluation data.</param>
    /// <param name="input">What comes down the pipeline.</param>
    /// <param name="open">Makes a reader.</param>
    /// <param name="openHeldOut">Makes that of the evaluation data; null = the same way.</param>
    /// <exception cref="ArgumentException">A column is missing or of the wrong type.</exception>
    public StageReaders(
        StageContext stage, TrainingOptions options, IDataView input, Func<IDataView, TReader> open,
        Func<IDataView, TReader>? openHeldOut = null)
    {
        ArgumentNullException.ThrowIfNull(input);
        Training = open(stage.TrainingData ?? input);
        _heldOut = EvaluationRows.Open(options, openHeldOut ?? open);
    }

    /// <summary>Of the rows that are learnt.</summary>
    public TReader Training { get; }

    /// <summary>Reads all rows, and tells what became of them.</summary>
    /// <param name="session">Told.</param>
    /// <param name="read">Reads the rows of one reader.</param>
    /// <exception cref="ArgumentException">There are no rows that can be read, or one is wrong.</exception>
    public StageRows<T> Read<T>(FitSession session, Func<TReader, RowCounts, IReadOnlyList<T>> read)
    {
        var counts = new RowCounts();
        IReadOnlyList<T> training = read(Training, counts);
        session.Tell(counts);
        return new StageRows<T>(training, EvaluationRows.Read(_heldOut, read, session.Warn));
    }
}
