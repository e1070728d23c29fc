using System.Numerics;

namespace TorchSharp;

public static partial class torch
{
    public static ScalarType uint8 = ScalarType.Byte;
    public static ScalarType int8 = ScalarType.Int8;
    public static ScalarType int16 = ScalarType.Int16;
    public static ScalarType @short = ScalarType.Int16;
    public static ScalarType int32 = ScalarType.Int32;
    public static ScalarType @int = ScalarType.Int32;
    public static ScalarType int64 = ScalarType.Int64;
    public static ScalarType @long = ScalarType.Int64;
    public static ScalarType float16 = ScalarType.Float16;
    public static ScalarType half = ScalarType.Float16;
    public static ScalarType float32 = ScalarType.Float32;
    public static ScalarType @float = ScalarType.Float32;
    public static ScalarType float64 = ScalarType.Float64;
    public static ScalarType @double = ScalarType.Float64;
    public static ScalarType bfloat16 = ScalarType.BFloat16;
    public static ScalarType complex64 = ScalarType.ComplexFloat32;
    public static ScalarType cfloat = ScalarType.ComplexFloat32;
    public static ScalarType complex128 = ScalarType.ComplexFloat64;
    public static ScalarType cdouble = ScalarType.ComplexFloat64;
    public static ScalarType @bool = ScalarType.Bool;

    private static ScalarType _defaultType = ScalarType.Float32;

    public static ScalarType get_default_dtype() => _defaultType;
    public static void set_default_dtype(ScalarType dtype) => _defaultType = dtype;

    public static bool is_integral(ScalarType type) => type is <= ScalarType.Int64 or ScalarType.Bool;
    public static bool is_floating_point(ScalarType type) => type is ScalarType.Float16 or ScalarType.Float32 or ScalarType.Float64 or ScalarType.BFloat16;
    public static bool is_complex(ScalarType type) => type is ScalarType.ComplexFloat32 or ScalarType.ComplexFloat64;
    public static bool is_integral(Tensor t) => is_integral(t.dtype);
    public static bool is_floating_point(Tensor input) => is_floating_point(input.dtype);
    public static bool is_complex(Tensor input) => is_complex(input.dtype);
    public static long numel(Tensor input) => input.numel();

    public static ScalarType promote_types(ScalarType type1, ScalarType type2) => (ScalarType)Native.Check(Native.tsi_promote((int)type1, (int)type2));

    private static readonly Op _result_type = new("result_type", "Tensor"), _can_cast = new("can_cast");
    public static ScalarType result_type(Tensor tensor1, Tensor tensor2) => (ScalarType)_result_type.CallNumber(tensor1, tensor2).I;
    public static bool can_cast(ScalarType from, ScalarType to) => _can_cast.CallBool(from, to);

    public static long max_int_value(ScalarType type) => type switch
    {
        ScalarType.Byte => byte.MaxValue,
        ScalarType.Int8 => sbyte.MaxValue,
        ScalarType.Int16 => short.MaxValue,
        ScalarType.Int32 => int.MaxValue,
        ScalarType.Int64 => long.MaxValue,
        _ => throw new ArgumentException($"{type} is not an integral type.", nameof(type)),
    };

    /// <summary>The type of a tensor over elements of a .NET type.</summary>
    internal static ScalarType? ElementType(Type type) => Type.GetTypeCode(type) switch
    {
        TypeCode.Byte => ScalarType.Byte,
        TypeCode.SByte => ScalarType.Int8,
        TypeCode.Int16 => ScalarType.Int16,
        TypeCode.Int32 => ScalarType.Int32,
        TypeCode.Int64 => ScalarType.Int64,
        TypeCode.Single => ScalarType.Float32,
        TypeCode.Double => ScalarType.Float64,
        TypeCode.Boolean => ScalarType.Bool,
        _ when type == typeof(Half) => ScalarType.Float16,
        _ when type == typeof((float, float)) => ScalarType.ComplexFloat32,
        _ when type == typeof(Complex) => ScalarType.ComplexFloat64,
        _ => null,
    };

    public struct FInfo
    {
        public int bits;
        public double eps, max, min, tiny, resolution, smallest_normal;
    }

    public static FInfo finfo() => finfo(get_default_dtype());

    public static FInfo finfo(ScalarType dtype) => dtype switch
    {
        ScalarType.Float16 => Info(16, Math.Pow(2, -10), 65504, Math.Pow(2, -14), 1e-3),
        ScalarType.BFloat16 => Info(16, Math.Pow(2, -7), 3.3895313892515355e38, Math.Pow(2, -126), 1e-2),
        ScalarType.Float32 or ScalarType.ComplexFloat32 => Info(32, Math.Pow(2, -23), float.MaxValue, Math.Pow(2, -126), 1e-6),
        ScalarType.Float64 or ScalarType.ComplexFloat64 => Info(64, Math.Pow(2, -52), double.MaxValue, 2.2250738585072014e-308, 1e-15),
        _ => throw new ArgumentException($"'dtype' must be floating point or complex, but it is {dtype}."),
    };

    private static FInfo Info(int bits, double eps, double max, double tiny, double resolution) =>
        new() { bits = bits, eps = eps, max = max, min = -max, tiny = tiny, smallest_normal = tiny, resolution = resolution };

    public static string __version__ => "0.107.0";

    /// <summary>Errors are thrown where they happen: there is never one left over.</summary>
    public static void CheckForErrors()
    {
    }
}
