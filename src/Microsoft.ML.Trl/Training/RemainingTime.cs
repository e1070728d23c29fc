namespace Microsoft.ML.Trl.Training;

/// <summary>
/// Estimates how long a run still takes. A step takes some time for itself and some for each token; the steps so far tell both, by least
/// squares. The first step is not among them, since it also pays for what happens once (a reference that is computed before, the
/// optimizer's state), and later ones weigh more than earlier ones: code gets faster while the runtime compiles it anew.
/// </summary>
/// <param name="totalSteps">Steps of the run.</param>
/// <param name="totalWork">Work of all steps: tokens, padding included, or 1 for each step.</param>
internal sealed class RemainingTime(int totalSteps, double totalWork)
{
    private double _stepsLeft = totalSteps;
    private double _workLeft = totalWork;
    private TimeSpan? _last;
    private TimeSpan _left;
    private double _done;
    private double _weight, _work, _seconds, _workSquared, _workSeconds; // weighted sums over the steps after the first

    /// <summary>Notes finished steps.</summary>
    /// <param name="steps">How many; 0 where nothing was done since the last call.</param>
    /// <param name="work">Their work, together.</param>
    /// <param name="elapsed">Time since the run began.</param>
    /// <returns>The time that is left; after the first step, as if all went on like that one.</returns>
    public TimeSpan After(int steps, double work, TimeSpan elapsed)
    {
        if (steps <= 0)
            return _left;
        _stepsLeft = Math.Max(0, _stepsLeft - steps);
        _workLeft = Math.Max(0, _workLeft - work);
        if (_last is { } before)
        {
            Add(steps, work / steps, (elapsed - before).TotalSeconds / steps);
            (double perStep, double perWork) = Fit();
            _left = TimeSpan.FromSeconds((perStep * _stepsLeft) + (perWork * _workLeft));
        }
        else
        {
            _left = elapsed * (_stepsLeft / steps);
        }
        _last = elapsed;
        return _left;
    }

    private void Add(int steps, double work, double seconds)
    {
        double weight = steps * (_done += steps);
        _weight += weight;
        _work += weight * work;
        _seconds += weight * seconds;
        _workSquared += weight * work * work;
        _workSeconds += weight * work * seconds;
    }

    /// <summary>Seconds per step and per unit of work, neither below 0.</summary>
    private (double PerStep, double PerWork) Fit()
    {
        double meanWork = _work / _weight, meanSeconds = _seconds / _weight;
        double variance = (_workSquared / _weight) - (meanWork * meanWork);
        double perWork = variance > 1e-9 * meanWork * meanWork
            ? ((_workSeconds / _weight) - (meanWork * meanSeconds)) / variance
            : 0; // all steps are alike
        double perStep = meanSeconds - (perWork * meanWork);
        return perWork < 0 ? (meanSeconds, 0) : perStep < 0 ? (0, _seconds / _work) : (perStep, perWork);
    }
}
