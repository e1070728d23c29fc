using System.Numerics;

namespace TorchSharp;

/// <summary>A number on its way into an operator. It holds no native memory here, so it may be dropped freely.</summary>
public sealed class Scalar : IDisposable
{
    private readonly Tag _tag;
    private readonly double _real, _imaginary;
    private readonly long _integer;

    private Scalar(long value) => (_tag, _integer) = (Tag.Int, value);
    private Scalar(double value) => (_tag, _real) = (Tag.Double, value);
    private Scalar(bool value) => (_tag, _integer) = (Tag.Bool, value ? 1 : 0);
    private Scalar(Complex value) => (_tag, _real, _imaginary) = (Tag.Complex, value.Real, value.Imaginary);

    public torch.ScalarType Type => _tag switch
    {
        Tag.Int => torch.ScalarType.Int64,
        Tag.Double => torch.ScalarType.Float64,
        Tag.Bool => torch.ScalarType.Bool,
        _ => torch.ScalarType.ComplexFloat64,
    };

    public static implicit operator Scalar(byte value) => new((long)value);
    public static implicit operator Scalar(sbyte value) => new((long)value);
    public static implicit operator Scalar(short value) => new((long)value);
    public static implicit operator Scalar(int value) => new((long)value);
    public static implicit operator Scalar(long value) => new(value);
    public static implicit operator Scalar(float value) => new((double)value);
    public static implicit operator Scalar(double value) => new(value);
    public static implicit operator Scalar(Half value) => new((double)value);
    public static implicit operator Scalar(bool value) => new(value);
    public static implicit operator Scalar((float, float) value) => new(new Complex(value.Item1, value.Item2));
    public static implicit operator Scalar(Complex value) => new(value);

    public void Dispose()
    {
    }

    internal Arg AsArg() => _tag switch
    {
        Tag.Int => _integer,
        Tag.Double => _real,
        Tag.Bool => _integer != 0,
        _ => Arg.Complex([_real, _imaginary]),
    };

    internal double Real => _tag is Tag.Int or Tag.Bool ? _integer : _real;

    internal long Integer => _tag is Tag.Int or Tag.Bool ? _integer : (long)_real;

    internal Complex Number => _tag == Tag.Complex ? new Complex(_real, _imaginary) : new Complex(Real, 0);

    internal static unsafe Scalar Of(Val value)
    {
        switch (value.Tag)
        {
            case Tag.Int: return new Scalar(value.I);
            case Tag.Double: return new Scalar(value.D);
            case Tag.Bool: return new Scalar(value.I != 0);
            default:
                double* parts = (double*)value.P;
                Scalar number = new(new Complex(parts[0], parts[1]));
                Native.tsi_free(parts);
                return number;
        }
    }
}

public static class ScalarExtensionMethods
{
    public static Scalar ToScalar(this byte value) => value;
    public static Scalar ToScalar(this sbyte value) => value;
    public static Scalar ToScalar(this short value) => value;
    public static Scalar ToScalar(this int value) => value;
    public static Scalar ToScalar(this long value) => value;
    public static Scalar ToScalar(this float value) => value;
    public static Scalar ToScalar(this double value) => value;
    public static Scalar ToScalar(this Half value) => value;
    public static Scalar ToScalar(this bool value) => value;
    public static Scalar ToScalar(this (float, float) value) => value;
    public static Scalar ToScalar(this Complex value) => value;
    public static Scalar ToBFloat16Scalar(this float value) => BitConverter.UInt32BitsToSingle((BitConverter.SingleToUInt32Bits(value) + 0x7fffu + ((BitConverter.SingleToUInt32Bits(value) >> 16) & 1)) & 0xffff0000u);

    public static byte ToByte(this Scalar value) => (byte)value.Integer;
    public static sbyte ToSByte(this Scalar value) => (sbyte)value.Integer;
    public static short ToInt16(this Scalar value) => (short)value.Integer;
    public static int ToInt32(this Scalar value) => (int)value.Integer;
    public static long ToInt64(this Scalar value) => value.Integer;
    public static Half ToHalf(this Scalar value) => (Half)value.Real;
    public static float ToSingle(this Scalar value) => (float)value.Real;
    public static double ToDouble(this Scalar value) => value.Real;
    public static bool ToBoolean(this Scalar value) => value.Real != 0;
    public static (float Real, float Imaginary) ToComplexFloat32(this Scalar value) => ((float)value.Number.Real, (float)value.Number.Imaginary);
    public static Complex ToComplexFloat64(this Scalar value) => value.Number;
}
