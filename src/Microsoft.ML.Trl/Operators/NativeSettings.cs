using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.Trl.Operators;

/// <summary>
/// What libtorch's own libraries read from the environment while they load, set when this assembly loads. Whatever the user has set stays.
/// Linux only: the OpenMP library and the allocator that need it are Linux's.
/// </summary>
internal static partial class NativeSettings
{
    private const int TrimThreshold = -1, MapThreshold = -3; // M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of malloc.h

    /// <summary>Largest size of a block, in bytes, that shares the heap with small ones.</summary>
    private const int LargestHeapBlock = 65536;

    /// <summary>Sets what is not set. Never throws: a setting that cannot be made only costs speed or memory.</summary>
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "libtorch reads the environment while it loads: no later hook is sure.")]
    internal static void Apply()
    {
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
            KeepHeapSmall();
            if (!IsTorchLoaded())
                foreach ((string name, string value) in Missing(Environment.GetEnvironmentVariable, Avx512F.IsSupported, Avx2.IsSupported))
                    _ = SetEnvironment(name, value, 0);
        }
        catch (Exception failure) when (
            failure is IOException or UnauthorizedAccessException or DllNotFoundException or EntryPointNotFoundException)
        {
            // another C library or a closed /proc: its defaults hold
        }
    }

    /// <summary>The settings that the user's environment leaves open.</summary>
    /// <param name="environment">The value of a variable, or null.</param>
    /// <param name="avx512">Whether the processor has 512-bit vectors.</param>
    /// <param name="avx2">Whether it has 256-bit vectors.</param>
    internal static IEnumerable<(string Name, string Value)> Missing(Func<string, string?> environment, bool avx512, bool avx2)
    {
        // MKL chooses a path by the alignment of the operands unless told which one: equal seeds would differ in the last digit.
        if ((avx512 || avx2) && environment("MKL_CBWR") is null)
            yield return ("MKL_CBWR", avx512 ? "AVX512" : "AVX2");
        // Threads that wait spin for milliseconds by default: beside any other work on the same cores they take its time and their own.
        if (environment("GOMP_SPINCOUNT") is null && environment("OMP_WAIT_POLICY") is null)
            yield return ("GOMP_SPINCOUNT", "1000");
    }

    /// <summary>
    /// Tensors come from the system and go back to it. In the heap, the tiny blocks between them pin the memory of freed ones, which
    /// aligned requests do not reuse before glibc 2.38 (its bug 14581): it grows by gigabytes.
    /// </summary>
    private static void KeepHeapSmall()
    {
        if (Environment.GetEnvironmentVariable("MALLOC_MMAP_THRESHOLD_") is null)
            _ = SetAllocator(MapThreshold, LargestHeapBlock);
    }

    private static bool IsTorchLoaded()
    {
        foreach (string line in File.ReadLines("/proc/self/maps"))
            if (line.Contains("libtorch", StringComparison.Ordinal) || line.Contains("libgomp", StringComparison.Ordinal))
                return true;
        return false;
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int SetAllocator(int parameter, int value);
}
