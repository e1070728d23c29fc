using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Spreads the work of a kernel over as many threads as libtorch may use.</summary>
internal static class HostThreads
{
    /// <summary>Runs every index once. The body must not touch tensors: dispose scopes belong to a thread.</summary>
    public static void ForEach(int count, Action<int> body)
    {
        int threads = Math.Min(count, get_num_threads());
        if (threads <= 1)
            for (int i = 0; i < count; i++)
                body(i);
        else
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = threads }, body);
    }

    /// <summary>Splits a range into one piece per thread.</summary>
    /// <param name="count">Length of the range.</param>
    /// <param name="unit">Pieces begin at multiples of it.</param>
    /// <param name="least">Shorter pieces are not worth a thread.</param>
    /// <param name="body">Receives begin and end of a piece.</param>
    public static void Split(long count, int unit, long least, Action<long, long> body)
    {
        long pieces = Math.Clamp(count / least, 1, get_num_threads());
        long length = ((count / pieces / unit) + 1) * unit;
        if (pieces == 1)
            body(0, count);
        else
            Parallel.For(0, pieces, piece => body(Math.Min(piece * length, count), Math.Min((piece + 1) * length, count)));
    }
}
