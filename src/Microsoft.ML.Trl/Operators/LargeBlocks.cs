using System.Runtime.InteropServices;

namespace Microsoft.ML.Trl.Operators;

/// <summary>
/// Where the allocator of glibc takes large blocks from. Between tensors that stay its heap does not use all gaps again, so that the peak
/// hardly falls when most of a pass is not kept; blocks of their own from the system leave no gaps, but take time.
/// </summary>
/// <remarks>Linux with glibc alone; elsewhere nothing happens. Whatever the user's environment says stays.</remarks>
internal static partial class LargeBlocks
{
    private const int ThresholdParameter = -3;  // M_MMAP_THRESHOLD
    private const int Apart = 4 << 20;          // bytes
    private const int Usual = 32 << 20;         // what glibc's own threshold grows to when such blocks are freed

    private static readonly Lock s_lock = new();
    private static int s_users;

    /// <summary>Blocks of 4 MB and more are the system's as long as somebody asks for that.</summary>
    /// <returns>Ends it.</returns>
    public static IDisposable KeepApart()
    {
        Count(1);
        return new End();
    }

    private static void Count(int change)
    {
        lock (s_lock)
        {
            s_users += change;
            if (s_users == Math.Max(0, change)) // the first came, or the last went
                Set(s_users > 0 ? Apart : Usual);
        }
    }

    private static void Set(int threshold)
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("MALLOC_MMAP_THRESHOLD_") is not null)
            return;
        try
        {
            _ = SetOption(ThresholdParameter, threshold);
        }
        catch (Exception failure) when (failure is EntryPointNotFoundException or DllNotFoundException)
        {
            // another C library: its own ways hold
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int SetOption(int parameter, int value);

    private sealed class End : IDisposable
    {
        private bool _isOver;

        public void Dispose()
        {
            if (!_isOver)
                Count(-1);
            _isOver = true;
        }
    }
}
