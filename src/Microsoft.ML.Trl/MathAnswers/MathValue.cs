using System.Numerics;

namespace Microsoft.ML.Trl.MathAnswers;

/// <summary>
/// The value of an expression: exact where it is a fraction, and approximate at some points of its variables, which tell whether two
/// expressions are equal without transforming them.
/// </summary>
/// <param name="Exact">Null where it has variables, or is no fraction.</param>
/// <param name="Points">Its value at each point; equal everywhere where it has no variable.</param>
internal sealed record MathValue(Rational? Exact, Complex[] Points)
{
    public const int PointCount = 4;

    private const double Tolerance = 1e-10; // relative; doubles have 16 digits
    private const int Decimals = 6; // to which decimal fractions are compared, as math_verify does
    private const int LargestFactorial = 1000;

    /// <summary>Whether it was written as a single decimal fraction.</summary>
    public bool IsDecimal { get; init; }

    /// <summary>Whether it is the same at all points.</summary>
    public bool IsConstant => Points.All(point => point == Points[0]);

    /// <summary>What was written before a percent sign; null where there is none.</summary>
    public MathValue? Percent { get; init; }

    public static MathValue Of(Rational exact) => new(exact, Same(exact.Approximate()));

    public static MathValue Of(Complex value) => new(null, Same(value));

    /// <summary>A variable: the same name stands for the same number at each point, different names for different ones.</summary>
    public static MathValue Variable(string name)
    {
        uint seed = 2166136261; // FNV-1a, which is the same in every process
        foreach (char letter in name)
            seed = (seed ^ letter) * 16777619;
        var points = new Complex[PointCount];
        for (int point = 0; point < PointCount; point++)
        {
            seed = (seed * 1664525) + 1013904223;
            points[point] = 0.5 + (1.5 * seed / uint.MaxValue); // positive, so that roots and logarithms are real
        }
        return new MathValue(null, points);
    }

    public static MathValue operator +(MathValue left, MathValue right) =>
        new(left.Exact + right.Exact, Zip(left, right, (a, b) => a + b));

    public static MathValue operator -(MathValue left, MathValue right) => left + -right;

    public static MathValue operator -(MathValue value) => new(value.Exact * new Rational(-1, 1), value.Map(each => -each))
    {
        IsDecimal = value.IsDecimal,
    };

    public static MathValue operator *(MathValue left, MathValue right) =>
        new(left.Exact * right.Exact, Zip(left, right, (a, b) => a * b));

    public static MathValue operator /(MathValue left, MathValue right) =>
        new(left.Exact * right.Exact?.Inverse(), Zip(left, right, (a, b) => a / b));

    /// <summary>A hundredth of it.</summary>
    public MathValue AsPercent() => (this * Of(new Rational(1, 100))) with { IsDecimal = true, Percent = this };

    public MathValue Power(MathValue exponent) => new(
        Exact is { } basis && exponent.Exact is { } times ? basis.Power(times) : null,
        Zip(this, exponent, Complex.Pow));

    /// <summary>The real root of a negative number where the degree is odd.</summary>
    public MathValue Root(int degree) => Apply(value => value is { Imaginary: 0, Real: < 0 } && degree % 2 == 1
        ? -Math.Pow(-value.Real, 1.0 / degree)
        : degree == 2 ? Complex.Sqrt(value) : Complex.Pow(value, 1.0 / degree));

    public MathValue Absolute() => new(
        Exact is { } exact ? new Rational(BigInteger.Abs(exact.Numerator), exact.Denominator) : null,
        Map(value => Complex.Abs(value)));

    /// <summary>Null where it is no natural number, or too large.</summary>
    public MathValue? Factorial()
    {
        if (Exact is not { IsInteger: true } whole || whole.Numerator.Sign < 0 || whole.Numerator > LargestFactorial)
            return null;
        BigInteger product = 1;
        for (int factor = 2; factor <= whole.Numerator; factor++)
            product *= factor;
        return Of(new Rational(product, 1));
    }

    public MathValue Apply(Func<Complex, Complex> function) => new(null, Map(function));

    /// <summary>Whether two expressions are equal.</summary>
    public bool Equal(MathValue other)
    {
        if (Exact is { } ours && other.Exact is { } theirs && ours == theirs)
            return true;
        if (IsDecimal || other.IsDecimal)
            return Points.Zip(other.Points).All(pair => Rounded(pair.First) == Rounded(pair.Second));
        return (Exact is null || other.Exact is null) && Points.Zip(other.Points).All(pair => Near(pair.First, pair.Second));
    }

    /// <summary>Whether one is the other times a constant that is not 0.</summary>
    /// <param name="other">Not 0 everywhere.</param>
    /// <param name="isPositive">Whether the constant must be greater than 0.</param>
    public bool IsMultipleOf(MathValue other, bool isPositive)
    {
        Complex[] ratios = (this / other).Points;
        return ratios.All(ratio => Near(ratio, ratios[0])) && Complex.Abs(ratios[0]) > Tolerance
            && (!isPositive || (ratios[0].Real > 0 && Near(ratios[0], ratios[0].Real)));
    }

    private static Complex[] Same(Complex value) => [.. Enumerable.Repeat(value, PointCount)];

    private static Complex[] Zip(MathValue left, MathValue right, Func<Complex, Complex, Complex> combine) =>
        [.. left.Points.Zip(right.Points, combine)];

    private Complex[] Map(Func<Complex, Complex> function) => Array.ConvertAll(Points, point => function(point));

    private static (double, double) Rounded(Complex value) =>
        (Math.Round(value.Real, Decimals, MidpointRounding.ToEven) + 0.0, Math.Round(value.Imaginary, Decimals) + 0.0);

    private static bool Near(Complex left, Complex right) => double.IsInfinity(left.Real) || double.IsInfinity(right.Real)
        ? left.Real == right.Real
        : Complex.Abs(left - right) <= Tolerance * Math.Max(1, Math.Max(Complex.Abs(left), Complex.Abs(right)));
}
