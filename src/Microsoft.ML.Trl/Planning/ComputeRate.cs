using System.Diagnostics;
using Microsoft.ML.Trl.Models;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Planning;

/// <summary>How fast a device multiplies and moves, measured for a moment.</summary>
/// <param name="Operations">Multiplications and additions of matrix products, per second.</param>
/// <param name="Bytes">Read and written, per second.</param>
internal sealed record ComputeRate(double Operations, double Bytes)
{
    private const int Rows = 256, MostWidth = 1024, Times = 4;
    private const long MovedNumbers = 8L << 20;

    /// <summary>Measures with products as wide as those of a model; takes some tenths of a second and some tens of megabytes.</summary>
    public static ComputeRate Measure(Placement place, ModelConfig config)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable frozen = no_grad();
        long width = Math.Min(config.HiddenSize, MostWidth), inner = Math.Min(config.IntermediateSize, 4 * MostWidth);
        Tensor x = ones(Rows, width, device: place.Device, dtype: place.Type);
        Tensor w = ones(width, inner, device: place.Device, dtype: place.Type), moved = ones(MovedNumbers, device: place.Device);
        double product = Fastest(() => x.mm(w).Dispose(), place.Device), move = Fastest(() => moved.add_(1), place.Device);
        return new ComputeRate(2.0 * Rows * width * inner / product, 2.0 * MovedNumbers * sizeof(float) / move);
    }

    private static double Fastest(Action work, Device device)
    {
        double best = double.MaxValue;
        for (int i = 0; i < Times; i++)
        {
            long start = Stopwatch.GetTimestamp();
            work();
            if (device.type == DeviceType.CUDA)
                cuda.synchronize(device);
            best = Math.Min(best, Stopwatch.GetElapsedTime(start).TotalSeconds);
        }
        return best;
    }
}
