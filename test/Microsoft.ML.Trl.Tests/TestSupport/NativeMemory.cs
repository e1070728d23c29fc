using System.Globalization;
using System.Runtime.InteropServices;

namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>Bytes that native code, libtorch above all, has from the C library. What the runtime of .NET has is not among them.</summary>
internal static unsafe partial class NativeMemory
{
    /// <summary>Whether the C library tells: glibc from 2.33 on.</summary>
    public static bool IsKnown => OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libc.so.6", out nint library)
        && NativeLibrary.TryGetExport(library, "mallinfo2", out _);

    /// <summary>By how much the resident set of the process grew at most in the last measurement; holds freed memory, too.</summary>
    public static long PeakResident { get; private set; }

    /// <summary>Most bytes that were in use at once while something was done, less those that were before.</summary>
    public static long Peak(Action work)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        long before = InUse(), most = before, resident = Resident("VmRSS:");
        File.WriteAllText("/proc/self/clear_refs", "5"); // forgets the largest resident set so far
        using var done = new CancellationTokenSource();
        var watch = new Thread(() =>
        {
            while (!done.IsCancellationRequested)
            {
                most = Math.Max(most, InUse());
                Thread.Sleep(1);
            }
        });
        watch.Start();
        try
        {
            work();
        }
        finally
        {
            done.Cancel();
            watch.Join();
        }
        PeakResident = Resident("VmHWM:") - resident;
        return most - before;
    }

    private static long Resident(string line)
    {
        string found = File.ReadLines("/proc/self/status").First(text => text.StartsWith(line, StringComparison.Ordinal));
        return long.Parse(found.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) * 1024;
    }

    private static long InUse()
    {
        Counts counts = Read();
        return (long)(counts.InArenas + counts.Mapped);
    }

    [LibraryImport("libc.so.6", EntryPoint = "mallinfo2")]
    private static partial Counts Read();

    [StructLayout(LayoutKind.Explicit, Size = 80)]
    private struct Counts
    {
        [FieldOffset(32)]
        public nuint Mapped; // hblkhd

        [FieldOffset(56)]
        public nuint InArenas; // uordblks
    }
}
