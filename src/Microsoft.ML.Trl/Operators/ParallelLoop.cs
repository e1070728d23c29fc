using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Microsoft.ML.Trl.Operators;

/// <summary>
/// Loops on libtorch's own threads (at::parallel_for): as many as <c>torch.set_num_threads</c> says, the same ones that its operators use,
/// so that the two never compete for the processor.
/// </summary>
internal static unsafe class ParallelLoop
{
    private sealed class Work(Action<long, long> body)
    {
        private ExceptionDispatchInfo? _failure;

        /// <summary>An exception may not pass through native frames: the first one waits here.</summary>
        public void Run(long begin, long end)
        {
            try
            {
                body(begin, end);
            }
            catch (Exception failure)
            {
                Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(failure), null);
            }
        }

        public void Rethrow() => _failure?.Throw();
    }

    /// <summary>Splits a range into one part per thread and runs the body on each.</summary>
    /// <param name="begin">First index.</param>
    /// <param name="end">End of the indices.</param>
    /// <param name="grain">Indices that are worth a thread, at least 1; fewer run on this thread.</param>
    /// <param name="body">Works on [begin, end). It may not call TorchSharp: dispose scopes belong to one thread.</param>
    /// <exception cref="Exception">The first exception of the body, after all parts have ended.</exception>
    public static void For(long begin, long end, long grain, Action<long, long> body)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(grain, 1);
        ArgumentNullException.ThrowIfNull(body);
        var work = new Work(body);
        using var handle = new GCHandle<Work>(work);
        int error = StableAbi.ParallelFor(begin, end, grain, &Run, (void*)GCHandle<Work>.ToIntPtr(handle));
        work.Rethrow();
        if (error != 0)
            throw new InvalidOperationException(
                $"libtorch could not run a loop over [{begin}, {end}) on its threads; it printed the reason on the standard error stream.");
    }

    [UnmanagedCallersOnly]
    private static void Run(long begin, long end, void* work) => GCHandle<Work>.FromIntPtr((nint)work).Target.Run(begin, end);
}
