using System.Runtime.InteropServices;

namespace Microsoft.ML.Trl.Operators;

/// <summary>What the allocator of glibc does with large blocks and with memory that is free again.</summary>
/// <remarks>Linux with glibc alone; elsewhere nothing happens. Whatever the user's environment says stays.</remarks>
internal static partial class NativeHeap
{
    private const int TrimParameter = -1;       // M_TRIM_THRESHOLD
    private const int ThresholdParameter = -3;  // M_MMAP_THRESHOLD
    private const int Apart = 4 << 20;          // bytes
    private const int Usual = 32 << 20;         // what glibc's own threshold grows to when such blocks are freed
    private const int Never = -1;

    private static readonly string[] s_settings = ["MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"];
    private static readonly Lock s_lock = new();
    private static int s_apart, s_held;

    /// <summary>
    /// Blocks of 4 MB and more are the system's as long as somebody asks for that. Between tensors that stay the heap does not use all gaps
    /// again, so that the peak hardly falls when most of a pass is not kept; blocks of their own leave no gaps, but take time.
    /// </summary>
    /// <returns>Ends it.</returns>
    public static IDisposable KeepApart()
    {
        Change(ref s_apart, 1);
        return new End(() => Change(ref s_apart, -1));
    }

    /// <summary>
    /// What is free again stays with the process as long as somebody asks for that: every step of a training run takes the same memory
    /// again, and new pages take time. Then it goes back to the system.
    /// </summary>
    /// <returns>Ends it.</returns>
    public static IDisposable Hold()
    {
        Change(ref s_held, 1);
        return new End(() => Change(ref s_held, -1));
    }

    private static void Change(ref int users, int change)
    {
        lock (s_lock)
        {
            users += change;
            if (users == Math.Max(0, change)) // the first came, or the last went
                Set();
        }
    }

    private static void Set()
    {
        if (!OperatingSystem.IsLinux() || Array.Exists(s_settings, name => Environment.GetEnvironmentVariable(name) is not null))
            return;
        try
        {
            _ = SetOption(ThresholdParameter, s_apart > 0 ? Apart : Usual);
            _ = SetOption(TrimParameter, s_held > 0 ? Never : 2 * Usual);
            if (s_held == 0)
                _ = Trim(0);
        }
        catch (Exception failure) when (failure is EntryPointNotFoundException or DllNotFoundException)
        {
            // another C library: its own ways hold
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int SetOption(int parameter, int value);

    [LibraryImport("libc", EntryPoint = "malloc_trim")]
    private static partial int Trim(nuint left);

    private sealed class End(Action end) : IDisposable
    {
        private Action? _end = end;

        public void Dispose()
        {
            _end?.Invoke();
            _end = null;
        }
    }
}
