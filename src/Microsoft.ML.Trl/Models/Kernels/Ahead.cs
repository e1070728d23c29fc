using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.Trl.Models;

/// <summary>Asks for memory before it is needed: the processor's own guesses end at every page.</summary>
internal static unsafe class Ahead
{
    /// <summary>Floats to look ahead: about what arrives while one waits for memory once.</summary>
    public const int Distance = 2048;

    private const int Line = 16; // floats that come together

    /// <summary>Begins to load memory into the second cache. Addresses beyond an allocation do no harm.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Fetch(float* from, nint count)
    {
        if (Sse.IsSupported)
            for (nint i = 0; i < count; i += Line)
                Sse.Prefetch1(from + i);
    }
}
