using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Microsoft.ML.Trl.Operators;

/// <summary>
/// What libtorch's own libraries read from the environment while they load, set when this assembly loads. Whatever the user has set stays.
/// Linux only, where libtorch brings its own OpenMP library. The allocator is left alone: sending freed blocks of 64 kB and more back to
/// the system at once (M_MMAP_THRESHOLD) took a third more processor time in a training step (peak memory 491 instead of 707 MB).
/// </summary>
internal static partial class NativeSettings
{
    /// <summary>Sets what is not set. Never throws: a setting that cannot be made only costs speed.</summary>
    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "libtorch reads the environment while it loads: no later hook is sure.")]
    internal static void Apply()
    {
        if (!OperatingSystem.IsLinux())
            return;
        try
        {
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

    /// <summary>The settings that the user's environment leaves open, for a processor with vectors of 512 or 256 bits.</summary>
    internal static IEnumerable<(string Name, string Value)> Missing(Func<string, string?> environment, bool avx512, bool avx2)
    {
        // MKL chooses a path by the alignment of the operands unless told which one: equal seeds would differ in the last digit.
        if ((avx512 || avx2) && environment("MKL_CBWR") is null)
            yield return ("MKL_CBWR", avx512 ? "AVX512" : "AVX2");
        // Threads that wait spin for milliseconds by default: beside any other work on the same cores they take its time and their own.
        // So many turns last from one small product of a step to the next.
        if (environment("GOMP_SPINCOUNT") is null && environment("OMP_WAIT_POLICY") is null)
            yield return ("GOMP_SPINCOUNT", "5000");
    }

    private static bool IsTorchLoaded() => File.ReadLines("/proc/self/maps").Any(line =>
        line.Contains("libtorch", StringComparison.Ordinal) || line.Contains("libgomp", StringComparison.Ordinal));

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);
}
