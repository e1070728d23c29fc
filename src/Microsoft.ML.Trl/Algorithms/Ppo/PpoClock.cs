using System.Diagnostics;

namespace Microsoft.ML.Trl.Algorithms.Ppo;

/// <summary>Seconds spent on each part of a step.</summary>
internal sealed class PpoClock
{
    private readonly long _start = Stopwatch.GetTimestamp();
    private long _last = Stopwatch.GetTimestamp();

    /// <summary>By TRL's name of the part.</summary>
    public Dictionary<string, double> Seconds { get; } = [];

    /// <summary>Ends a part: what has gone by since the last one ended is its time.</summary>
    public void Lap(string name)
    {
        long now = Stopwatch.GetTimestamp();
        Seconds[name] = Stopwatch.GetElapsedTime(_last, now).TotalSeconds;
        _last = now;
    }

    /// <summary>The whole step.</summary>
    public void Total(string name) => Seconds[name] = Stopwatch.GetElapsedTime(_start).TotalSeconds;
}
