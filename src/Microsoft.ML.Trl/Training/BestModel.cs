using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Training;

/// <summary>What is known of the evaluations so far: all that a run would need to go on judging them.</summary>
/// <param name="Metric">The best figure; null = none yet.</param>
/// <param name="Step">Its step.</param>
/// <param name="Waited">Evaluations in a row that were not better by enough.</param>
internal sealed record EvaluationRecord(double? Metric = null, int Step = 0, int Waited = 0);

/// <summary>Which step was best, and whether to go on looking for a better one: transformers' rules.</summary>
/// <param name="options">Validated.</param>
internal sealed class BestModel(TrainingOptions options)
{
    /// <summary>As of the last evaluation.</summary>
    public EvaluationRecord Record { get; private set; } = new();

    /// <summary>Why training should end; null = it should not.</summary>
    public string? StopReason => options.EarlyStoppingPatience is { } patience && Record.Waited >= patience
        ? FormattableString.Invariant(
            $"{EvaluatedOptions.EvalPrefix}{options.BestMetricName} was not better than {Record.Metric:G6} of step {Record.Step} in ")
            + $"{patience} evaluation{(patience == 1 ? "" : "s")} (EarlyStoppingPatience)"
        : null;

    private bool IsAskedFor => options.LoadBestModelAtEnd || options.EarlyStoppingPatience is not null;

    /// <summary>Judges an evaluation.</summary>
    /// <param name="step">After which it was made.</param>
    /// <param name="figures">Without prefix.</param>
    /// <returns>Whether it is the best so far.</returns>
    /// <exception cref="ArgumentException">The figure that is to be judged is none of them.</exception>
    public bool IsBest(int step, IReadOnlyDictionary<string, double> figures)
    {
        if (!figures.TryGetValue(options.BestMetricName, out double value))
            return !IsAskedFor ? false : throw new ArgumentException(
                $"MetricForBestModel ({options.BestMetricName}) is none of what is measured: {string.Join(", ", figures.Keys.Order())}.");
        double gain = Record.Metric is not { } best ? double.PositiveInfinity : options.LargerIsBetter ? value - best : best - value;
        bool isBetter = gain > 0 && !double.IsNaN(value), isEnough = isBetter && gain > options.EarlyStoppingThreshold;
        int waited = isEnough ? 0 : Record.Waited + 1;
        Record = isBetter ? new(value, step, waited) : Record with { Waited = waited };
        return isBetter;
    }
}

/// <summary>The trained weights of the best step, in the memory of the machine. Owns them.</summary>
/// <param name="weights">What is trained; those without gradient are left out.</param>
internal sealed class BestWeights(IEnumerable<Tensor> weights) : IDisposable
{
    private readonly Tensor[] _weights = [.. weights.Where(weight => weight.requires_grad).DistinctBy(weight => weight.Handle)];
    private Tensor[] _kept = [];

    /// <summary>Keeps the weights as they are now, in the place of what was kept.</summary>
    public void Keep()
    {
        using IDisposable frozen = no_grad();
        using var scope = NewDisposeScope();
        if (_kept.Length == 0)
            _kept = Array.ConvertAll(_weights, weight => empty_like(weight, device: CPU).DetachFromDisposeScope());
        for (int i = 0; i < _weights.Length; i++)
            _kept[i].copy_(_weights[i]);
    }

    /// <summary>Gives the weights what was kept; where nothing was, they stay.</summary>
    public void Restore()
    {
        using IDisposable frozen = no_grad();
        for (int i = 0; i < _kept.Length; i++)
            _weights[i].copy_(_kept[i]);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (Tensor tensor in _kept)
            tensor.Dispose();
    }
}
