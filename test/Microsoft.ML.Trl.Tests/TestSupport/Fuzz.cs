using System.Diagnostics;
using System.Globalization;

namespace Microsoft.ML.Trl.Tests.TestSupport;

/// <summary>
/// Runs damaged variants of a file: only the documented exceptions, in bounded time, and no more memory than a small multiple of the file.
/// 2,000 variants of each kind; 100,000 in the long mode.
/// </summary>
internal sealed class Fuzz
{
    private const int Some = 2_000, Many = 100_000;
    private const int Managed = 1 << 20, PerByte = 40; // exceptions, JSON and a tokenizer's tables take some hundred kB
    private const int Looks = 16; // the system's figure costs a file to read
    private const long Native = 1L << 29; // what libtorch and the runtime may add to a process meanwhile

    private readonly Func<Exception, bool> _isDocumented;
    private readonly int _managed;
    private long _peak;

    /// <param name="isDocumented">Which exceptions readers may throw; null = those of other people's files.</param>
    /// <param name="managed">Bytes that a reader may allocate whatever the file's size.</param>
    public Fuzz(Func<Exception, bool>? isDocumented = null, int managed = Managed)
    {
        _isDocumented = isDocumented ?? (error => error is InvalidDataException or NotSupportedException or EndOfStreamException);
        _managed = managed;
        _peak = PeakBytes();
    }

    public static int Count => LongTests.AreOn ? Many : Some;

    /// <summary>Variants that could be read.</summary>
    public int Readable { get; private set; }

    /// <summary>Reads one variant.</summary>
    /// <param name="number">Its number, for messages.</param>
    /// <param name="length">Its bytes.</param>
    /// <param name="read">Throws where it cannot be read.</param>
    /// <returns>Whether it could be read.</returns>
    public bool Read(int number, long length, Action read)
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        var watch = Stopwatch.StartNew();
        bool isReadable = Ends(number, read);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Close.Below(_managed + (PerByte * length), allocated, $"bytes allocated for variant {number} of {length} bytes");
        if (number % Looks == 0)
        {
            long last = _peak;
            _peak = PeakBytes();
            Close.Below(Native, _peak - last, $"bytes of the process for one of the {Looks} variants before {number}");
        }
        Close.Below(30, watch.Elapsed.TotalSeconds, $"seconds for variant {number}"); // a hang; the slowest takes milliseconds
        Readable += isReadable ? 1 : 0;
        return isReadable;
    }

    private bool Ends(int number, Action read)
    {
        try
        {
            read();
            return true;
        }
        catch (Exception error) when (_isDocumented(error))
        {
            Assert.IsGreaterThan(10, error.Message.Length, $"variant {number} is explained");
            return false;
        }
        catch (Exception error) when (error is not AssertFailedException)
        {
            throw new AssertFailedException($"Variant {number} threw what is not documented: {error}", error);
        }
    }

    /// <summary>The most memory that the process has had at once; 0 where the system does not say.</summary>
    private static long PeakBytes()
    {
        const string Path = "/proc/self/status", Key = "VmHWM:";
        if (!File.Exists(Path))
            return 0;
        string line = File.ReadLines(Path).First(found => found.StartsWith(Key, StringComparison.Ordinal));
        return 1024 * long.Parse(line[Key.Length..^2].Trim(), CultureInfo.InvariantCulture);
    }
}
