using System.Numerics;

namespace Microsoft.ML;

/// <summary>32-bit MurmurHash3 rounds as ML.NET uses them.</summary>
internal static class Hashes
{
    public static uint Round(uint hash, uint chunk)
    {
        chunk = BitOperations.RotateLeft(chunk * 0xCC9E2D51, 15) * 0x1B873593;
        return (BitOperations.RotateLeft(hash ^ chunk, 13) * 5) + 0xE6546B64;
    }

    public static uint Mix(uint hash)
    {
        hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
        hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
        return hash ^ (hash >> 16);
    }

    public static uint Mix(uint hash, int length) => Mix(hash ^ (uint)length);
}
