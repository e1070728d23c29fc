using System.Diagnostics;
using Microsoft.ML.Trl.Datasets;
using Microsoft.ML.Trl.Tracking;

namespace Microsoft.ML.Trl.Algorithms.Dpo;

/// <summary>Collects the metrics of forward passes and hands out their means.</summary>
internal sealed class DpoReport(string stage, int totalSteps, DpoOptions options, IProgress<StepReport>? progress)
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private readonly double[] _sums = new double[DpoMetrics.Names.Count];
    private readonly int _every = (int)Math.Max(1, options.LoggingSteps < 1 ? Math.Ceiling(options.LoggingSteps * totalSteps) : options.LoggingSteps);
    private int _passes;
    private int _steps;
    private double _norms;
    private long _tokens;

    /// <summary>One forward pass is done.</summary>
    public void Passed(float[] metrics, long tokens)
    {
        for (int i = 0; i < _sums.Length; i++)
            _sums[i] += metrics[i];
        _passes++;
        _tokens += tokens;
    }

    /// <summary>One optimizer step is done; reports where it is due.</summary>
    public void StepDone(StepPlan step, double gradientNorm, double learningRate)
    {
        _norms += gradientNorm;
        _steps++;
        bool due = step.Number % _every == 0 || step.Number == totalSteps || (step.Number == 1 && options.LoggingFirstStep);
        if (!due)
            return;
        var metrics = new Dictionary<string, double>();
        for (int i = 0; i < _sums.Length; i++)
            metrics[DpoMetrics.Names[i]] = _sums[i] / _passes;
        metrics["grad_norm"] = _norms / _steps;
        metrics["learning_rate"] = learningRate;
        metrics["epoch"] = step.Epoch;
        metrics["num_tokens"] = _tokens;
        progress?.Report(new StepReport(stage, step.Number, totalSteps, metrics, _tokens, Stopwatch.GetElapsedTime(_start)));
        Array.Clear(_sums);
        (_passes, _steps, _norms) = (0, 0, 0);
    }
}
