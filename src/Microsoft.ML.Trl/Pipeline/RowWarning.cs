namespace Microsoft.ML.Trl.Pipeline;

/// <summary>A warning about rows that a transformer can do nothing with: the first of a view is named, the others are not.</summary>
/// <param name="host">Whose log it goes to.</param>
/// <param name="consequence">What such rows get, the beginning of a sentence.</param>
internal sealed class RowWarning(ComponentHost host, string consequence)
{
    private int _given;

    /// <summary>Warns, the first time.</summary>
    /// <param name="row">The row, counted from 0.</param>
    /// <param name="reason">What is wrong with it, as a sentence without its capital.</param>
    public void Give(long row, string reason)
    {
        if (Interlocked.Exchange(ref _given, 1) == 0)
            host.Warn("Transform", $"Row {row}: {reason} {consequence}; further rows like it are not reported.");
    }
}
