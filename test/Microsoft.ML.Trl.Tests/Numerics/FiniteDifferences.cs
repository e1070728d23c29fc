using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Tests.Numerics;

/// <summary>Central differences, one entry at a time.</summary>
internal static class FiniteDifferences
{
    public static Tensor Of(Tensor input, Func<Tensor, double> function, double step = 1e-5)
    {
        using var noGrad = no_grad();
        double[] at = input.detach().to_type(ScalarType.Float64).view(-1).data<double>().ToArray();
        var slope = new double[at.Length];
        double shifted(int entry, double by)
        {
            using var scope = NewDisposeScope();
            double[] moved = [.. at];
            moved[entry] += by;
            return function(tensor(moved, input.shape));
        }
        for (int entry = 0; entry < at.Length; entry++)
            slope[entry] = (shifted(entry, step) - shifted(entry, -step)) / (2 * step);
        return tensor(slope, input.shape);
    }
}
