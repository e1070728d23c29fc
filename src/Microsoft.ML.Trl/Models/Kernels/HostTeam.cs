namespace Microsoft.ML.Trl.Models;

/// <summary>
/// A few threads that run the same work side by side and meet at barriers. A step of generation has hundreds of pieces of work of a few
/// microseconds; waking threads for each would cost more than the work.
/// </summary>
internal sealed class HostTeam : IDisposable
{
    private readonly Thread[] _threads;
    private readonly SemaphoreSlim[] _starts;
    private Action<int>? _work;
    private Exception? _failure;
    private int _waiting;
    private int _round;
    private int _finished;

    /// <param name="size">Threads, the caller's included. At least 1.</param>
    public HostTeam(int size)
    {
        Size = size;
        _starts = [.. Enumerable.Range(1, size - 1).Select(_ => new SemaphoreSlim(0))];
        _threads = [.. Enumerable.Range(1, size - 1).Select(member => new Thread(() => Serve(member)) { IsBackground = true, Name = $"{nameof(HostTeam)} {member}" })];
        foreach (Thread thread in _threads)
            thread.Start();
    }

    /// <summary>Threads, the caller's included.</summary>
    public int Size { get; }

    /// <summary>Runs the work once on every member, and returns when all are done.</summary>
    /// <param name="work">Receives the number of the member. It calls <see cref="Meet"/> equally often everywhere and does not throw.</param>
    public void Run(Action<int> work)
    {
        _work = work;
        _finished = 0;
        foreach (SemaphoreSlim start in _starts)
            start.Release();
        work(0);
        SpinWait spin = default;
        while (Volatile.Read(ref _finished) < Size - 1)
            spin.SpinOnce(-1);
        if (_failure is { } failure)
            throw new InvalidOperationException("A kernel failed.", failure);
    }

    /// <summary>Waits until every member has come here.</summary>
    public void Meet()
    {
        if (Size == 1)
            return;
        int round = Volatile.Read(ref _round);
        if (Interlocked.Increment(ref _waiting) == Size)
        {
            _waiting = 0;
            Volatile.Write(ref _round, round + 1);
            return;
        }
        SpinWait spin = default;
        while (Volatile.Read(ref _round) == round)
            spin.SpinOnce(-1); // never sleeps: the others are a few microseconds away
    }

    /// <summary>The share of a member in a range, beginning at a multiple of <paramref name="unit"/>.</summary>
    public (int From, int To) Share(int member, int count, int unit)
    {
        int units = (count + unit - 1) / unit;
        return (Math.Min(count, units * member / Size * unit), Math.Min(count, units * (member + 1) / Size * unit));
    }

    /// <summary>Lets the threads end.</summary>
    public void Dispose()
    {
        _work = null;
        foreach (SemaphoreSlim start in _starts)
            start.Release();
        foreach (Thread thread in _threads)
            thread.Join();
        foreach (SemaphoreSlim start in _starts)
            start.Dispose();
    }

    private void Serve(int member)
    {
        while (true)
        {
            _starts[member - 1].Wait();
            if (_work is null)
                return;
            try
            {
                _work(member);
            }
            catch (Exception failure) when (failure is not OutOfMemoryException)
            {
                _failure = failure;
            }
            Interlocked.Increment(ref _finished);
        }
    }
}
