using System.Diagnostics;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>Collects the statistics of steps and reports their means when it is time to.</summary>
internal sealed class PpoLog(string stage, int totalSteps, PpoOptions options, IProgress<StepReport>? progress)
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly Dictionary<string, double> _sums = [];
    private int _steps;
    private long _tokens;

    /// <summary>Ends a step.</summary>
    public void EndStep(int step, double epoch, PpoStatistics statistics)
    {
        foreach ((string name, double value) in statistics.Scalars)
            _sums[name] = _sums.GetValueOrDefault(name) + value;
        _steps++;
        _tokens += (long)(statistics.Arrays["tokens/queries_dist"].Sum() + statistics.Arrays["tokens/responses_dist"].Sum());
        if (step % options.LoggingSteps != 0 && step != totalSteps)
            return;
        Dictionary<string, double> metrics = _sums.ToDictionary(entry => entry.Key, entry => entry.Value / _steps);
        metrics["loss"] = metrics["ppo/loss/total"];
        metrics["learning_rate"] = statistics["ppo/learning_rate"];
        metrics["num_tokens"] = _tokens;
        metrics["epoch"] = epoch;
        _sums.Clear();
        _steps = 0;
        progress?.Report(new StepReport(stage, step, totalSteps, metrics, _tokens, _clock.Elapsed));
    }
}
