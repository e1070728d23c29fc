namespace Microsoft.ML.Trl.Generation;

/// <summary>
/// Random numbers as a function of seed, row and position, without any state: what a row draws depends on no other row.
/// SplitMix64's finalizer (doi:10.1145/2660193.2660195) over the three.
/// </summary>
internal readonly struct RowRandom(int seed, long row)
{
    private const ulong Golden = 0x9E3779B97F4A7C15;

    private readonly ulong _key = Mix(Mix((uint)seed + Golden) ^ (ulong)row);

    /// <summary>A number in [0, 1), with 53 random bits.</summary>
    /// <param name="position">Number of the draw in its row.</param>
    public double Uniform(int position) => (Mix(_key + (((ulong)(uint)position + 1) * Golden)) >> 11) * (1.0 / (1UL << 53));

    private static ulong Mix(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
