namespace Microsoft.ML.Trl;

/// <summary>The row of the data for which an <see cref="IEnvironment"/> begins anew.</summary>
public sealed class EnvironmentRow
{
    private readonly object[] _given;
    private TypedRows? _data;

    /// <summary>A row of one's own, such as for tests.</summary>
    /// <param name="prompt">A conversation in JSON.</param>
    /// <param name="row">Its place in the data, counted from 0.</param>
    /// <param name="columns">What <see cref="Columns"/> gives, one object of each class that is asked for.</param>
    /// <exception cref="ArgumentOutOfRangeException">The place is negative.</exception>
    public EnvironmentRow(string prompt, long row = 0, params object[] columns)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        ArgumentNullException.ThrowIfNull(columns);
        Require.NotNegative(row);
        (Prompt, Row, _given) = (prompt, row, columns);
    }

    /// <summary>The prompt, as the data have it: a conversation in JSON.</summary>
    public string Prompt { get; }

    /// <summary>Its place in the data, counted from 0.</summary>
    public long Row { get; }

    /// <summary>A row of data.</summary>
    internal static EnvironmentRow Of(string prompt, long row, TypedRows data) => new(prompt, row) { _data = data };

    /// <summary>The columns of the row, as <c>ml.Data.CreateEnumerable</c> reads them.</summary>
    /// <typeparam name="TRow">Its properties are columns of the data.</typeparam>
    /// <exception cref="ArgumentException">The data lack a column.</exception>
    /// <exception cref="InvalidOperationException">The row is one's own and was not given such an object.</exception>
    public TRow Columns<TRow>()
        where TRow : class, new() =>
        _data is not null ? _data.At<TRow>(Row) : _given.OfType<TRow>().FirstOrDefault() ?? throw new InvalidOperationException(
            $"The row was made without a {typeof(TRow).Name}; give one among its columns.");
}
