using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Microsoft.ML.Trl.Models;

/// <summary>The exponential function in single precision throughout, to about one unit in the last place; the library's goes through double precision.</summary>
internal static unsafe class VectorExp
{
    private const int Width = 16;
    private const float LogTwoHigh = 0.693145751953125f; // few enough bits that a whole number times it is exact
    private const float LogTwoLow = 1.42860677e-6f;      // log 2 less the above

    /// <summary>exp(x); below -87 the result is 1e-38 instead of less, above 88 it is 1e38 instead of more.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Of(Vector512<float> x)
    {
        x = Vector512.Min(Vector512.Max(x, Vector512.Create(-87f)), Vector512.Create(88f));
        Vector512<float> power = Vector512.Round(x * Vector512.Create(1.44269504f)); // exp(x) = 2^power · exp(rest), |rest| <= log(2) / 2
        Vector512<float> rest = Vector512.FusedMultiplyAdd(power, Vector512.Create(-LogTwoHigh), x);
        rest = Vector512.FusedMultiplyAdd(power, Vector512.Create(-LogTwoLow), rest);
        Vector512<float> sum = Vector512.Create(1f / 5040); // Taylor: the first term left out is below 6e-9
        sum = Vector512.FusedMultiplyAdd(sum, rest, Vector512.Create(1f / 720));
        sum = Vector512.FusedMultiplyAdd(sum, rest, Vector512.Create(1f / 120));
        sum = Vector512.FusedMultiplyAdd(sum, rest, Vector512.Create(1f / 24));
        sum = Vector512.FusedMultiplyAdd(sum, rest, Vector512.Create(1f / 6));
        sum = Vector512.FusedMultiplyAdd(sum, rest, Vector512.Create(0.5f));
        sum = Vector512.FusedMultiplyAdd(sum, rest, Vector512<float>.One);
        sum = Vector512.FusedMultiplyAdd(sum, rest, Vector512<float>.One);
        return (sum.AsInt32() + (Vector512.ConvertToInt32(power) << 23)).AsSingle();
    }

    /// <summary>x becomes exp(x - shift).</summary>
    /// <returns>The sum of the results.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static float Shifted(float* x, int count, float shift)
    {
        Vector512<float> sum = default;
        Vector512<float> by = Vector512.Create(shift);
        int i = 0;
        for (; i + Width <= count; i += Width)
        {
            Vector512<float> value = Of(Vector512.Load(x + i) - by);
            value.Store(x + i);
            sum += value;
        }
        float total = Vector512.Sum(sum);
        if (i == count)
            return total;
        float* rest = stackalloc float[Width];
        Buffer.MemoryCopy(x + i, rest, Width * sizeof(float), (count - i) * sizeof(float));
        Of(Vector512.Load(rest) - by).Store(rest);
        for (int j = 0; i < count; i++, j++)
            total += x[i] = rest[j];
        return total;
    }
}
