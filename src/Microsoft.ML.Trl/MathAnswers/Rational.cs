using System.Numerics;

namespace Microsoft.ML.Trl.MathAnswers;

/// <summary>A fraction in lowest terms; its denominator is greater than 0.</summary>
internal readonly record struct Rational
{
    private const int MostBits = 20_000; // of a power; beyond it a number is only known approximately

    /// <param name="numerator">Any.</param>
    /// <param name="denominator">Not 0.</param>
    public Rational(BigInteger numerator, BigInteger denominator)
    {
        BigInteger divisor = BigInteger.GreatestCommonDivisor(numerator, denominator) * denominator.Sign;
        (Numerator, Denominator) = (numerator / divisor, denominator / divisor);
    }

    public BigInteger Numerator { get; }

    public BigInteger Denominator { get; }

    public bool IsInteger => Denominator.IsOne;

    /// <summary>The nearest number of double precision.</summary>
    public double Approximate()
    {
        double quotient = (double)Numerator / (double)Denominator;
        return double.IsNaN(quotient) ? Math.Exp(BigInteger.Log(BigInteger.Abs(Numerator)) - BigInteger.Log(Denominator)) * Numerator.Sign
            : quotient;
    }

    public static Rational operator +(Rational left, Rational right) =>
        new((left.Numerator * right.Denominator) + (right.Numerator * left.Denominator), left.Denominator * right.Denominator);

    public static Rational operator *(Rational left, Rational right) =>
        new(left.Numerator * right.Numerator, left.Denominator * right.Denominator);

    /// <summary>1 divided by it; null for 0.</summary>
    public Rational? Inverse() => Numerator.IsZero ? null : new Rational(Denominator, Numerator);

    /// <summary>A power; null where it is no fraction, is not defined or has too many digits.</summary>
    public Rational? Power(Rational exponent)
    {
        if (!exponent.IsInteger || BigInteger.Abs(exponent.Numerator) > MostBits)
            return null;
        int times = (int)exponent.Numerator;
        if (Math.Max(Numerator.GetBitLength(), Denominator.GetBitLength()) * Math.Abs(times) > MostBits)
            return null;
        var power = new Rational(BigInteger.Pow(Numerator, Math.Abs(times)), BigInteger.Pow(Denominator, Math.Abs(times)));
        return times < 0 ? power.Inverse() : power;
    }
}
