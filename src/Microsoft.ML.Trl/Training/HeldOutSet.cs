namespace Microsoft.ML.Trl.Training;

/// <summary>Examples that are measured and not learnt from, and what a method measures of them.</summary>
/// <param name="Count">How many there are; at least 1.</param>
/// <param name="Pass">
/// Reads some of them, by number, and notes the figures, <c>loss</c> too. Called in evaluation mode, without gradient, in a scope of its
/// own.
/// </param>
internal sealed record HeldOutSet(int Count, Action<int[], IFigures> Pass)
{
    /// <summary>Completes the figures of all passes; null = nothing is missing.</summary>
    public Action<Dictionary<string, double>>? Complete { get; init; }

    /// <summary>What the policy writes for a human to read; called after the passes. Null = nothing.</summary>
    public Func<IReadOnlyList<SampleCompletion>>? Samples { get; init; }
}

/// <summary>The rows of a stage, as a method learns from them.</summary>
/// <param name="Training">At least one.</param>
/// <param name="HeldOut">At least one; null = nothing is evaluated.</param>
internal sealed record StageRows<T>(IReadOnlyList<T> Training, IReadOnlyList<T>? HeldOut);

/// <summary>Reads <see cref="EvaluatedOptions.EvaluationData"/>, and says where errors come from.</summary>
internal static class EvaluationRows
{
    /// <summary>Finds the columns; null where nothing is evaluated.</summary>
    /// <param name="options">Of the stage.</param>
    /// <param name="open">Makes the reader.</param>
    /// <exception cref="ArgumentException">A column is missing or of the wrong type.</exception>
    public static TReader? Open<TReader>(EvaluatedOptions options, Func<IDataView, TReader> open)
        where TReader : class =>
        options is { MayEvaluate: true, EvaluationData: { } data } ? Naming(() => open(data)) : null;

    /// <summary>Reads rows, and warns of those that are left out; null where there is no reader.</summary>
    /// <param name="reader">Of <see cref="Open"/>.</param>
    /// <param name="read">Reads all rows.</param>
    /// <param name="warn">Told what a human should look at.</param>
    /// <exception cref="ArgumentException">There are no rows that can be read, or one is wrong.</exception>
    public static IReadOnlyList<T>? Read<TReader, T>(
        TReader? reader, Func<TReader, RowCounts, IReadOnlyList<T>> read, Action<string> warn)
        where TReader : class
    {
        if (reader is null)
            return null;
        var counts = new RowCounts();
        IReadOnlyList<T> rows = Naming(() => read(reader, counts));
        if (counts.Warning is { } warning)
            warn("EvaluationData: " + warning);
        return rows;
    }

    /// <summary>Checks rows, in words that say where they come from.</summary>
    public static void Check(Action check) => Naming(() =>
    {
        check();
        return true;
    });

    private static T Naming<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (ArgumentException cause)
        {
            throw new ArgumentException("EvaluationData: " + cause.Message, cause);
        }
    }
}
