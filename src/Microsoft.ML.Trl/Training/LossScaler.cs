namespace Microsoft.ML.Trl.Training;

/// <summary>
/// Scales losses so that small gradients are not lost in float16, as torch's GradScaler: doubles after many good updates, halves where a
/// gradient overflows, whose update is skipped.
/// </summary>
internal sealed class LossScaler
{
    private const double Growth = 2, Backoff = 0.5, Least = 1.0 / (1 << 14);
    private const int GrowthInterval = 2000;

    private int _good;

    /// <summary>By which losses are multiplied.</summary>
    public double Scale { get; private set; } = 65536;

    /// <summary>Updates that were skipped.</summary>
    public int Skipped { get; private set; }

    /// <summary>Whether no smaller scale could help any more: the gradients themselves are no numbers.</summary>
    public bool IsExhausted => Scale < Least;

    /// <summary>Notes an update whose gradients were finite.</summary>
    public void NoteGood()
    {
        if (++_good < GrowthInterval)
            return;
        (Scale, _good) = (Scale * Growth, 0);
    }

    /// <summary>Notes gradients that are not.</summary>
    public void NoteOverflow()
    {
        (Scale, _good) = (Scale * Backoff, 0);
        Skipped++;
    }
}
