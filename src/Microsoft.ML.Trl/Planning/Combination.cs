namespace Microsoft.ML.Trl.Planning;

/// <summary>Finds changes of options that together fit into memory.</summary>
/// <param name="changes">Of options, the cheapest first.</param>
/// <param name="peak">Most bytes of a run; null where it cannot be made.</param>
/// <param name="free">Bytes that there are.</param>
internal sealed class Combination(
    Func<TrainingOptions, IEnumerable<MemoryChange>> changes, Func<TrainingOptions, long?> peak, long free)
{
    /// <summary>
    /// The changes whose dearest is as cheap as can be, without those that are not needed beside it; null where nothing fits.
    /// </summary>
    /// <param name="options">Checked.</param>
    /// <param name="bytes">Their peak.</param>
    public IReadOnlyList<MemoryChange>? Cheapest(TrainingOptions options, long bytes)
    {
        List<string> taken = [];
        HashSet<string> tried = [];
        TrainingOptions now = options;
        while (bytes > free)
        {
            if (changes(now).FirstOrDefault(change => !tried.Contains(change.Option)) is not { } next)
                return null;
            tried.Add(next.Option);
            if (peak(next.Options) is not { } left || left >= bytes)
                continue;
            taken.Add(next.Option);
            (now, bytes) = (next.Options, left);
        }
        foreach (string option in taken.AsEnumerable().Reverse().ToArray())
            if (Made(options, taken.Where(other => other != option)) is { Count: > 0 } fewer && peak(fewer[^1].Options) <= free)
                taken.Remove(option);
        return Made(options, taken);
    }

    /// <summary>Changes of these options one after the other; null where one is not there any more.</summary>
    private List<MemoryChange>? Made(TrainingOptions options, IEnumerable<string> names)
    {
        List<MemoryChange> made = [];
        foreach (string name in names)
        {
            if (changes(options).FirstOrDefault(change => change.Option == name) is not { } next)
                return null;
            made.Add(next);
            options = next.Options;
        }
        return made;
    }
}
