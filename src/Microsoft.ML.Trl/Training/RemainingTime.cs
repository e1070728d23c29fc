namespace Microsoft.ML.Trl.Training;

/// <summary>
/// Estimates how long a run still takes: what is left of its work at the pace so far. The first step is not part of the pace, since it
/// also pays for what happens once: compiling, the optimizer's state, a reference that is computed before.
/// </summary>
/// <param name="totalWork">Work of all steps, in any unit: tokens, or steps.</param>
internal sealed class RemainingTime(double totalWork)
{
    private (TimeSpan Time, double Work)? _first;
    private double _done;
    private TimeSpan _left;

    /// <summary>Notes a finished step.</summary>
    /// <param name="work">Work of the step; 0 where nothing was done since the last call.</param>
    /// <param name="elapsed">Time since the run began.</param>
    /// <returns>The time that is left; of the first step, at the pace of that step alone.</returns>
    public TimeSpan After(double work, TimeSpan elapsed)
    {
        if (work <= 0)
            return _left;
        _done += work;
        (TimeSpan start, double before) = _first ?? (TimeSpan.Zero, 0);
        _first ??= (elapsed, _done);
        return _left = (elapsed - start) * (Math.Max(0, totalWork - _done) / (_done - before));
    }
}
