using System.Numerics;

namespace Microsoft.ML.Data;

/// <summary>
/// 128 bits that name a row. <see cref="Fork"/>, <see cref="Next"/> and <see cref="Combine"/> follow the block round of
/// MurmurHash3 x64 128 without its final mix, so that ids derived along different ways do not collide.
/// </summary>
public readonly struct DataViewRowId : IComparable<DataViewRowId>, IEquatable<DataViewRowId>
{
    private const ulong FirstMultiplier = 0x87c37b91114253d5;
    private const ulong SecondMultiplier = 0x4cf5ad432745937f;

    public readonly ulong Low;
    public readonly ulong High;

    public DataViewRowId(ulong low, ulong high)
    {
        Low = low;
        High = high;
    }

    public DataViewRowId Next() => Stir(Low, High);

    public DataViewRowId Fork()
    {
        DataViewRowId next = Stir(Low, High);
        return new DataViewRowId(next.Low ^ (BitOperations.RotateLeft(FirstMultiplier, 31) * SecondMultiplier), next.High);
    }

    public DataViewRowId Combine(DataViewRowId other)
    {
        DataViewRowId block = other.Fork();
        ulong low = Low ^ (BitOperations.RotateLeft(block.Low * FirstMultiplier, 31) * SecondMultiplier);
        low = (BitOperations.RotateLeft(low, 27) + High) * 5 + 0x52dce729;
        ulong high = High ^ (BitOperations.RotateLeft(block.High * SecondMultiplier, 33) * FirstMultiplier);
        high = (BitOperations.RotateLeft(high, 31) + low) * 5 + 0x38495ab5;
        return new DataViewRowId(low, high);
    }

    public int CompareTo(DataViewRowId other) => High == other.High ? Low.CompareTo(other.Low) : High.CompareTo(other.High);

    public bool Equals(DataViewRowId other) => Low == other.Low && High == other.High;

    public override bool Equals(object obj) => obj is DataViewRowId other && Equals(other);

    public override int GetHashCode() => HashCode.Combine(Low, High);

    public override string ToString() => $"{High:x16}{Low:x16}";

    private static DataViewRowId Stir(ulong low, ulong high)
    {
        low = (BitOperations.RotateLeft(low, 27) + high) * 5 + 0x52dce729;
        high = (BitOperations.RotateLeft(high, 31) + low) * 5 + 0x38495ab5;
        return new DataViewRowId(low, high);
    }
}
