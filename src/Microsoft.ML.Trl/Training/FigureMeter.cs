namespace Microsoft.ML.Trl.Training;

/// <summary>What becomes of a figure that several passes give.</summary>
internal enum Pooling
{
    /// <summary>Their mean.</summary>
    Mean,
    /// <summary>The least.</summary>
    Least,
    /// <summary>The largest.</summary>
    Largest,
}

/// <summary>What a method tells the figures of a forward pass to: the log of a run, or an evaluation.</summary>
internal interface IFigures
{
    /// <summary>Notes a figure.</summary>
    /// <param name="metric">TRL's name.</param>
    /// <param name="value">Of the pass.</param>
    /// <param name="weight">Of how many examples or tokens it is the mean. Training counts each pass alike, as TRL does.</param>
    /// <param name="pooling">What becomes of it in an evaluation.</param>
    void Note(string metric, double value, double weight = 1, Pooling pooling = Pooling.Mean);

    /// <summary>Counts real tokens that went through the model.</summary>
    void CountTokens(long tokens);
}

/// <summary>Several figures at once.</summary>
internal static class FigureExtensions
{
    /// <summary>Notes the figures of a pass, but for its <c>loss</c>: that of a whole step is noted with its update.</summary>
    /// <param name="figures">Told of them.</param>
    /// <param name="metrics">By TRL's names.</param>
    /// <param name="weight">Of how many examples or tokens each is the mean; null = 1.</param>
    public static void NoteAll(
        this IFigures figures, IReadOnlyDictionary<string, float> metrics, Func<string, double>? weight = null)
    {
        foreach ((string name, float value) in metrics.Where(metric => metric.Key != "loss"))
            figures.Note(name, value, weight?.Invoke(name) ?? 1);
    }
}

/// <summary>Figures of one evaluation: over all examples, however they were cut into batches.</summary>
internal sealed class FigureMeter : IFigures
{
    private readonly Dictionary<string, (double Sum, double Weight)> _means = [];
    private readonly Dictionary<string, double> _extremes = [];

    /// <summary>What the passes came to.</summary>
    public Dictionary<string, double> Result() => _means
        .Select(figure => KeyValuePair.Create(figure.Key, figure.Value.Sum / figure.Value.Weight)).Concat(_extremes).ToDictionary();

    /// <inheritdoc/>
    public void Note(string metric, double value, double weight = 1, Pooling pooling = Pooling.Mean)
    {
        if (pooling != Pooling.Mean)
            _extremes[metric] = !_extremes.TryGetValue(metric, out double before) ? value
                : pooling == Pooling.Least ? Math.Min(before, value) : Math.Max(before, value);
        else if (weight > 0)
        {
            var (sum, total) = _means.GetValueOrDefault(metric);
            _means[metric] = (sum + (value * weight), total + weight);
        }
    }

    /// <summary>Counts none: only what is learnt from counts.</summary>
    public void CountTokens(long tokens) { }
}
