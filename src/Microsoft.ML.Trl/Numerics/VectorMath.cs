using System.Numerics;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>Functions of whole vectors that the runtime lacks or computes more exactly than needed.</summary>
internal static class VectorMath
{
    /// <summary>e^x within 2 units in the last place. Below -87.3 it stays at 1.2e-38; NaN stays NaN.</summary>
    /// <remarks>x = n·ln 2 + r with |r| ≤ ln 2 / 2; e^r by a polynomial of degree 7 (minimax, as in Cephes' expf), 2^n by its bits.</remarks>
    public static Vector<float> Exp(Vector<float> x)
    {
        // Second operand last: the hardware's minimum and maximum hand it through when it is NaN.
        x = Vector.MinNative(new Vector<float>(88.02969f), Vector.MaxNative(new Vector<float>(-87.33655f), x));
        Vector<float> n = Vector.Round(x * new Vector<float>(1.44269504f));
        Vector<float> r = Vector.FusedMultiplyAdd(n, new Vector<float>(-0.693359375f), x);
        r = Vector.FusedMultiplyAdd(n, new Vector<float>(2.12194440e-4f), r);
        Vector<float> p = Vector.FusedMultiplyAdd(new Vector<float>(1.9875691500e-4f), r, new Vector<float>(1.3981999507e-3f));
        p = Vector.FusedMultiplyAdd(p, r, new Vector<float>(8.3334519073e-3f));
        p = Vector.FusedMultiplyAdd(p, r, new Vector<float>(4.1665795894e-2f));
        p = Vector.FusedMultiplyAdd(p, r, new Vector<float>(1.6666665459e-1f));
        p = Vector.FusedMultiplyAdd(p, r, new Vector<float>(5.0000001201e-1f));
        p = Vector.FusedMultiplyAdd(p, r * r, r + Vector<float>.One);
        Vector<int> power = Vector.ShiftLeft(Vector.ConvertToInt32Native(n) + new Vector<int>(127), 23);
        return p * Vector.As<int, float>(power);
    }
}
