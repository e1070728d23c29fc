namespace Microsoft.ML;

/// <summary>
/// The generator behind every seeded ML.NET component: three combined Tausworthe steps and one linear congruential step
/// (GPU Gems 3, chapter 37). The same seed gives the same numbers as the real one.
/// </summary>
internal sealed class TauswortheRandom : Random
{
    private uint _first;
    private uint _second;
    private uint _third;
    private uint _linear;

    public TauswortheRandom(uint seed)
    {
        _first = seed;
        _second = Hashes.Round(_first, _first);
        _third = Hashes.Round(_second, _first);
        _linear = Hashes.Round(_third, _first);
    }

    public TauswortheRandom(Random source)
    {
        _first = AtLeast128(source);
        _second = AtLeast128(source);
        _third = AtLeast128(source);
        _linear = Word(source);
    }

    public static TauswortheRandom Create(int? seed) =>
        seed is int value ? new TauswortheRandom((uint)value) : new TauswortheRandom(new Random());

    /// <summary>A number below 2^31; the top bit of the state is folded away.</summary>
    public override int Next()
    {
        uint word = NextWord();
        return (int)(word + (word & 0x80000000u));
    }

    public override int Next(int maxValue)
    {
        Guard.Argument(maxValue >= 0, nameof(maxValue), "maxValue must be non-negative");
        return (int)(((ulong)NextWord() * (ulong)maxValue) >> 32);
    }

    public override int Next(int minValue, int maxValue)
    {
        Guard.Argument(minValue <= maxValue, nameof(minValue), "minValue must be less than or equal to maxValue.");
        long range = (long)maxValue - minValue;
        return (int)((long)(NextDouble() * range) + minValue);
    }

    public override double NextDouble() => NextWord() / 4294967296.0;

    public override float NextSingle() => (NextWord() >> 9) / 8388608f;

    public override void NextBytes(byte[] buffer)
    {
        Guard.NotNull(buffer, nameof(buffer));
        for (int i = 0; i < buffer.Length; i++)
            buffer[i] = (byte)Next();
    }

    public int NextSigned() => (int)NextWord();

    protected override double Sample() => NextDouble();

    private static uint Word(Random source) => ((uint)source.Next(0x10000) << 16) | (uint)source.Next(0x10000);

    private static uint AtLeast128(Random source)
    {
        uint word;
        do
        {
            word = Word(source);
        }
        while (word < 128);
        return word;
    }

    private static uint Shift(uint state, int left, int right, int up, uint mask) =>
        ((state & mask) << up) ^ (((state << left) ^ state) >> right);

    private uint NextWord()
    {
        _first = Shift(_first, 13, 19, 12, ~1u);
        _second = Shift(_second, 2, 25, 4, ~7u);
        _third = Shift(_third, 3, 11, 17, ~15u);
        _linear = (1664525 * _linear) + 1013904223;
        return _first ^ _second ^ _third ^ _linear;
    }
}
