using System.Numerics;
using System.Runtime.CompilerServices;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>A tensor with the elements of an array, copied, in reading order.</summary>
    /// <param name="shape">Null: the shape of the array.</param>
    private static unsafe Tensor Elements(Array array, long[] shape, ScalarType? dtype, Device device, bool requires_grad)
    {
        shape ??= ShapeOf(array);
        ScalarType own = TypeOf(array);
        long count = shape.Aggregate(1L, (product, length) => product * length);
        if (count > array.LongLength)
            throw new ArgumentException($"mismatched total size creating a tensor from an array: {count} vs. {array.LongLength}");
        device = InitializeDevice(device);
        Tensor made = empty(shape, own, CPU);
        if (count > 0)
        {
            long size = count * own.ElementSize();
            fixed (byte* from = &MemoryMarshal.GetArrayDataReference(array))
                Buffer.MemoryCopy(from, made.Pointer(), size, size);
        }
        return Converted(made, dtype ?? own, device, requires_grad);
    }

    private static unsafe Tensor Number<T>(T value, ScalarType? dtype, Device device, bool requires_grad) where T : unmanaged
    {
        ScalarType own = ElementType(typeof(T)).Value;
        device = InitializeDevice(device);
        Tensor made = empty((long[])[], own, CPU);
        *(T*)made.Pointer() = value;
        return Converted(made, dtype ?? own, device, requires_grad);
    }

    private static Tensor Converted(Tensor made, ScalarType type, Device device, bool requires_grad)
    {
        if (type != made.dtype || device.type != DeviceType.CPU)
            made = made.to(type, device, disposeAfter: true);
        return Made(made, requires_grad);
    }

    private static long[] ShapeOf(Array array)
    {
        long[] shape = new long[array.Rank];
        for (int dim = 0; dim < shape.Length; dim++)
            shape[dim] = array.GetLongLength(dim);
        return shape;
    }

    private static ScalarType TypeOf(Array array) => ElementType(array.GetType().GetElementType()) ?? throw new NotSupportedException($"Tensors of {array.GetType().GetElementType()} are not supported.");

    /// <summary>A tensor over the memory of the array itself, which stays pinned until libtorch lets go of it.</summary>
    private static unsafe Tensor Over(Array array, long[] shape, long offset)
    {
        GCHandle pinned = GCHandle.Alloc(array, GCHandleType.Pinned);
        nint handle;
        fixed (long* sizes = shape)
            handle = Native.tsi_from_blob((byte*)pinned.AddrOfPinnedObject() + offset, sizes, shape.Length, (int)TypeOf(array), &Unpin, GCHandle.ToIntPtr(pinned));
        if (handle == 0)
        {
            pinned.Free();
            throw Native.Failure();
        }
        return new Tensor(handle);
    }

    [UnmanagedCallersOnly]
    private static void Unpin(nint pinned) => GCHandle.FromIntPtr(pinned).Free();

    public static Tensor from_array(Array rawArray, Device device = null) => from_array(rawArray, null, device);

    public static Tensor from_array(Array rawArray, ScalarType? dtype, Device device = null, bool requires_grad = false, string[] names = null)
    {
        device = InitializeDevice(device);
        return Converted(rawArray.Length == 0 ? empty(ShapeOf(rawArray), TypeOf(rawArray), CPU) : Over(rawArray, ShapeOf(rawArray), 0), dtype ?? TypeOf(rawArray), device, requires_grad);
    }

    public static Tensor frombuffer(Array rawArray, ScalarType dtype, long count = -1, long offset = 0, bool requires_grad = false)
    {
        if (offset < 0 || offset >= rawArray.LongLength)
            throw new ArgumentException($"invalid value for 'offset': {offset}");
        if (count < 0)
            count = rawArray.LongLength - offset;
        if (count > rawArray.LongLength - offset)
            throw new IndexOutOfRangeException($"element count is too large: {count}");
        return Converted(Over(rawArray, [count], offset * TypeOf(rawArray).ElementSize()), dtype, CPU, requires_grad);
    }

    public static Tensor as_tensor(Tensor data, ScalarType? dtype = null, Device device = null) =>
        (dtype ?? data.dtype) == data.dtype && (device is null || device.type == data.device_type) ? data.alias() : data.to(dtype ?? data.dtype, device ?? data.device);

    public static Tensor as_tensor(Array data, ScalarType? dtype = null, Device device = null) => from_array(data, dtype, device);
    public static Tensor as_tensor(bool[] rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(byte[] rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(IList<bool> rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray.ToArray(), dtype, device);
    public static Tensor as_tensor(IList<byte> rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray.ToArray(), dtype, device);
    public static Tensor as_tensor(IList<double> rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray.ToArray(), dtype, device);
    public static Tensor as_tensor(IList<short> rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray.ToArray(), dtype, device);
    public static Tensor as_tensor(IList<int> rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray.ToArray(), dtype, device);
    public static Tensor as_tensor(IList<long> rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray.ToArray(), dtype, device);
    public static Tensor as_tensor(IList<Complex> rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray.ToArray(), dtype, device);
    public static Tensor as_tensor(IList<sbyte> rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray.ToArray(), dtype, device);
    public static Tensor as_tensor(IList<float> rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray.ToArray(), dtype, device);
    public static Tensor as_tensor(IList<(float, float)> rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray.ToArray(), dtype, device);
    public static Tensor as_tensor(double[] rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(short[] rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(int[] rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(long[] rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(Complex[] rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(sbyte[] rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor(float[] rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray, dtype, device);
    public static Tensor as_tensor((float, float)[] rawArray, ScalarType? dtype = null, Device device = null) => from_array(rawArray, dtype, device);}
