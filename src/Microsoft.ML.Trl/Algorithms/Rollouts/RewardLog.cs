using System.Globalization;

namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>What reward functions tell beside their scores of a batch. Awaited ones may tell it from several threads.</summary>
internal sealed class RewardLog
{
    private readonly Lock _lock = new();
    private readonly Dictionary<int, SortedDictionary<string, string>> _extras = [];
    private readonly Dictionary<string, List<double>> _metrics = [];

    /// <summary>Keeps a value of a response; the last one of a column counts.</summary>
    public void Extra(int row, string column, object? value)
    {
        string text = Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
        lock (_lock)
        {
            if (!_extras.TryGetValue(row, out SortedDictionary<string, string>? columns))
                _extras[row] = columns = new SortedDictionary<string, string>(StringComparer.Ordinal);
            columns[column] = text;
        }
    }

    /// <summary>Keeps a value of a metric.</summary>
    public void Metric(string name, double value)
    {
        lock (_lock)
            if (_metrics.TryGetValue(name, out List<double>? values))
                values.Add(value);
            else
                _metrics[name] = [value];
    }

    /// <summary>What was kept of a response.</summary>
    public IReadOnlyDictionary<string, string> Extras(int row)
    {
        lock (_lock)
            return _extras.TryGetValue(row, out SortedDictionary<string, string>? columns) ? columns : SampleCompletion.NoExtra;
    }

    /// <summary>The mean of each metric.</summary>
    public IReadOnlyDictionary<string, double> Metrics()
    {
        lock (_lock)
            return _metrics.ToDictionary(metric => metric.Key, metric => metric.Value.Average());
    }
}
