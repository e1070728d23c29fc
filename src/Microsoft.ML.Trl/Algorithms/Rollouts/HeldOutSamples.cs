namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>The first completions of an evaluation, for whoever looks at them.</summary>
/// <param name="most">As many are kept.</param>
internal sealed class HeldOutSamples(int most)
{
    private readonly List<SampleCompletion> _samples = [];

    /// <summary>Keeps further ones while there is room.</summary>
    /// <param name="make">Makes at most so many.</param>
    public void Add(Func<int, IReadOnlyList<SampleCompletion>> make)
    {
        int room = most - _samples.Count;
        if (room > 0)
            _samples.AddRange(make(room));
    }

    /// <summary>All of them; the next evaluation begins with none.</summary>
    public SampleCompletion[] Take()
    {
        SampleCompletion[] samples = [.. _samples];
        _samples.Clear();
        return samples;
    }
}
