namespace Microsoft.ML.Trl.Algorithms.Rollouts;

/// <summary>Awaits many calls, some of them at the same time.</summary>
internal static class ConcurrentCalls
{
    /// <summary>The results in the order of the calls; waits for all of them.</summary>
    /// <param name="count">How many calls.</param>
    /// <param name="atOnce">How many of them run at the same time at most.</param>
    /// <param name="call">Makes one, by its number; runs on pool threads.</param>
    /// <param name="cancel">Ends those that run.</param>
    /// <exception cref="InvalidOperationException">A function gave no task.</exception>
    public static T[] Run<T>(int count, int atOnce, Func<int, CancellationToken, Task<T>> call, CancellationToken cancel) =>
        RunAsync(count, atOnce, call, cancel).GetAwaiter().GetResult();

    /// <summary>The same without waiting.</summary>
    /// <inheritdoc cref="Run"/>
    public static async Task<T[]> RunAsync<T>(
        int count, int atOnce, Func<int, CancellationToken, Task<T>> call, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        var results = new T[count];
        var options = new ParallelOptions { MaxDegreeOfParallelism = atOnce, CancellationToken = cancel };
        await Parallel.ForAsync(0, count, options, async (number, token) =>
            results[number] = await Started(call(number, token)).ConfigureAwait(false)).ConfigureAwait(false);
        return results;
    }

    /// <summary>The task that a function gave.</summary>
    /// <exception cref="InvalidOperationException">It gave none.</exception>
    public static Task<T> Started<T>(Task<T>? task) =>
        task ?? throw new InvalidOperationException("The function of OfAsync gave null; it must give a task.");
}
