using System.Diagnostics;
using System.Globalization;

namespace Microsoft.ML.Trl.Benchmarks;

/// <summary>
/// Times steps on a shared machine: waits, for a while, until other processes are idle, and notes how much CPU they used during the step.
/// Steps that were disturbed do not count when there are enough others.
/// </summary>
internal sealed class QuietClock
{
    private const double Disturbed = 0.2; // cores that others used
    private readonly List<(double Seconds, double Others)> _laps = [];
    private (double Busy, double Own, long Time) _start;
    private bool _warm;

    public int Laps => _laps.Count;

    public int CleanLaps => _laps.Count(lap => lap.Others < Disturbed);

    /// <summary>The next step begins now, or as soon as the machine is quiet.</summary>
    public void Begin()
    {
        var waited = Stopwatch.StartNew();
        while (waited.Elapsed.TotalSeconds < 8 && Others(Sample(), TimeSpan.FromSeconds(0.3)) > 0.25)
        {
        }
        _start = Sample();
    }

    /// <summary>The step ends; the first one warms up and is not counted.</summary>
    public void End()
    {
        (double busy, double own, long time) = Sample();
        double seconds = Stopwatch.GetElapsedTime(_start.Time, time).TotalSeconds;
        if (_warm)
            _laps.Add((seconds, (busy - _start.Busy - (own - _start.Own)) / seconds));
        _warm = true;
    }

    /// <summary>Median over the undisturbed steps, or over all when fewer than three were.</summary>
    public (double Median, double Min, double Max) Seconds()
    {
        double[] used = [.. (CleanLaps >= 3 ? _laps.Where(lap => lap.Others < Disturbed) : _laps).Select(lap => lap.Seconds).Order()];
        int middle = used.Length / 2;
        double median = used.Length % 2 == 1 ? used[middle] : (used[middle - 1] + used[middle]) / 2;
        return (median, used[0], used[^1]);
    }

    /// <summary>Largest resident set of this process so far, in MiB (Linux; elsewhere the working set's peak).</summary>
    public static long PeakMegabytes()
    {
        const string Status = "/proc/self/status";
        if (!File.Exists(Status))
            return Process.GetCurrentProcess().PeakWorkingSet64 >> 20;
        string line = File.ReadLines(Status).First(line => line.StartsWith("VmHWM", StringComparison.Ordinal));
        return long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }

    private static double Others((double Busy, double Own, long Time) before, TimeSpan during)
    {
        Thread.Sleep(during);
        (double busy, double own, long time) = Sample();
        return (busy - before.Busy - (own - before.Own)) / Stopwatch.GetElapsedTime(before.Time, time).TotalSeconds;
    }

    // Seconds of CPU: of the whole machine, and of this process.
    private static (double Busy, double Own, long Time) Sample()
    {
        double busy = 0;
        if (File.Exists("/proc/stat"))
        {
            string[] fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries);
            double[] ticks = [.. fields[1..9].Select(tick => double.Parse(tick, CultureInfo.InvariantCulture))];
            busy = (ticks.Sum() - ticks[3] - ticks[4]) / 100; // less idle and waiting for input
        }
        using var self = Process.GetCurrentProcess();
        return (busy, self.TotalProcessorTime.TotalSeconds, Stopwatch.GetTimestamp());
    }
}
