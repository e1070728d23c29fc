using System.Globalization;
using System.IO;
using System.Numerics;

namespace TorchSharp;

public static partial class TensorExtensionMethods
{
    public static byte ToByte(this torch.Tensor value) => Number(value).ToByte();
    public static sbyte ToSByte(this torch.Tensor value) => Number(value).ToSByte();
    public static short ToInt16(this torch.Tensor value) => Number(value).ToInt16();
    public static int ToInt32(this torch.Tensor value) => Number(value).ToInt32();
    public static long ToInt64(this torch.Tensor value) => Number(value).ToInt64();
    public static Half ToHalf(this torch.Tensor value) => Number(value).ToHalf();
    public static float ToSingle(this torch.Tensor value) => Number(value).ToSingle();
    public static double ToDouble(this torch.Tensor value) => Number(value).ToDouble();
    public static bool ToBoolean(this torch.Tensor value) => Number(value).ToBoolean();
    public static (float Real, float Imaginary) ToComplexFloat32(this torch.Tensor value) => Number(value).ToComplexFloat32();
    public static Complex ToComplexFloat64(this torch.Tensor value) => Number(value).ToComplexFloat64();
    public static (float Real, float Imaginary) ToComplex32(this torch.Tensor value) => Number(value).ToComplexFloat32();
    public static Complex ToComplex64(this torch.Tensor value) => Number(value).ToComplexFloat64();

    public static torch.Tensor ToTensor<T>(this T[] rawArray, long[] dimensions, bool doCopy = false, bool requires_grad = false)
    {
        torch.Tensor made = torch.from_array(rawArray).reshape(dimensions);
        if (doCopy)
            made = made.to(made.dtype, copy: true, disposeAfter: true);
        made.requires_grad = requires_grad;
        return made;
    }

    public static torch.Tensor ToTensor<T>(this T scalar, torch.Device device = null, bool requires_grad = false) where T : struct =>
        torch.from_array(new[] { scalar }, null, device, requires_grad).reshape();

    public static long TotalSize(this IEnumerable<long> shape) => shape.Aggregate(1L, (product, length) => product * length);

    public static ReadOnlySpan<int> IntShape(this torch.Tensor tensor) => Array.ConvertAll(tensor.shape, length => (int)length);

    public static int ElementSize(this torch.ScalarType type) => type switch
    {
        torch.ScalarType.Byte or torch.ScalarType.Int8 or torch.ScalarType.Bool => 1,
        torch.ScalarType.Int16 or torch.ScalarType.Float16 or torch.ScalarType.BFloat16 => 2,
        torch.ScalarType.Int32 or torch.ScalarType.Float32 => 4,
        torch.ScalarType.Int64 or torch.ScalarType.Float64 or torch.ScalarType.ComplexFloat32 => 8,
        torch.ScalarType.ComplexFloat64 => 16,
        _ => throw new NotImplementedException(),
    };

    public static string metastr(this torch.Tensor tensor) => tensor.ToString(TensorStringStyle.Metadata);

    public static void Save(this torch.Tensor tensor, BinaryWriter writer)
    {
        using torch.Tensor near = tensor.to(torch.CPU);
        using torch.Tensor whole = near.contiguous();
        writer.Write7BitEncodedInt((int)whole.dtype);
        writer.Write7BitEncodedInt(whole.shape.Length);
        foreach (long length in whole.shape)
            writer.Write7BitEncodedInt64(length);
        whole.WriteBytesToStream(writer.BaseStream);
    }

    public static void Save(this torch.Tensor tensor, Stream stream)
    {
        using BinaryWriter writer = new(stream);
        tensor.Save(writer);
    }

    public static void Save(this torch.Tensor tensor, string location) => tensor.Save(File.Create(location));

    public static torch.Tensor Load(BinaryReader reader, bool skip = false)
    {
        torch.Tensor tensor = null;
        Load(ref tensor, reader, skip);
        return tensor;
    }

    public static void Load(this torch.Tensor tensor, BinaryReader reader, bool skip = false)
    {
        (torch.ScalarType type, long[] shape) = Header(reader);
        if (type != tensor.dtype)
            throw new ArgumentException("Mismatched tensor data types while loading. Make sure that the model you are loading into is exactly the same as the origin.");
        Content(tensor, shape, reader, skip);
    }

    public static void Load(ref torch.Tensor tensor, BinaryReader reader, bool skip = false)
    {
        (torch.ScalarType type, long[] shape) = Header(reader);
        tensor ??= torch.empty(shape, type);
        Content(tensor, shape, reader, skip);
    }

    private static (torch.ScalarType, long[]) Header(BinaryReader reader)
    {
        torch.ScalarType type = (torch.ScalarType)reader.Read7BitEncodedInt();
        long[] shape = new long[reader.Read7BitEncodedInt()];
        for (int dim = 0; dim < shape.Length; dim++)
            shape[dim] = reader.Read7BitEncodedInt64();
        return (type, shape);
    }

    private static void Content(torch.Tensor tensor, long[] shape, BinaryReader reader, bool skip)
    {
        if (skip)
        {
            reader.BaseStream.Seek(tensor.NumberOfElements * tensor.ElementSize, SeekOrigin.Current);
            return;
        }
        if (!shape.SequenceEqual(tensor.shape))
            throw new ArgumentException("Mismatched tensor shape while loading. Make sure that the model you are loading into is exactly the same as the origin.");
        using IDisposable quiet = torch.no_grad();
        using torch.Tensor read = torch.empty(shape, tensor.dtype, torch.CPU);
        read.ReadBytesFromStream(reader.BaseStream);
        tensor.copy_(read);
    }

    private static Scalar Number(torch.Tensor value) => value.ToScalar();
}
