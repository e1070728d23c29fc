
namespace Microsoft.ML.Trl.Benchmarks;

/// <summary>What a task runs: one step per call, or a training run that reports each of its steps.</summary>
/// <param name="steps">Undisturbed steps that are enough.</param>
/// <param name="patience">A disturbed step is repeated, up to this many times as many in all.</param>
internal sealed class Measurement(int steps, int patience)
{
    private readonly QuietClock _clock = new();

    public QuietClock Clock => _clock;

    /// <summary>Bytes of text that a step reads; 0 where it reads none.</summary>
    public long TextBytes { get; set; }

    /// <summary>Seconds of a step that a plan says; 0 where none is made.</summary>
    public double PlannedSeconds { get; set; }

    /// <summary>Steps that a training run must be able to take.</summary>
    public int MostSteps => (steps * patience) + 1;

    /// <summary>Times a step that is a call.</summary>
    public void Repeat(Action step)
    {
        do
        {
            _clock.Begin();
            step();
            _clock.End();
        }
        while (!Enough());
    }

    /// <summary>Times the steps of a loop through its reports, and ends it when there are enough.</summary>
    public void Loop(Action<IProgress<StepReport>, CancellationToken> run)
    {
        using var enough = new CancellationTokenSource();
        var reports = new Lap(this, enough);
        _clock.Begin();
        try
        {
            run(reports, enough.Token);
        }
        catch (TrainingCanceledException)
        {
            // The run was longer than needed.
        }
    }

    private bool Enough() => _clock.CleanLaps >= steps || _clock.Laps >= steps * patience;

    private sealed class Lap(Measurement owner, CancellationTokenSource enough) : IProgress<StepReport>
    {
        public void Report(StepReport value)
        {
            owner._clock.End();
            if (owner.Enough())
                enough.Cancel();
            else
                owner._clock.Begin();
        }
    }
}
