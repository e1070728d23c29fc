using System.Numerics;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>Copies to another type or device, and numbers in and out.</summary>
    public partial class Tensor
    {
        private static readonly Op _to_dtype = new("to", "dtype"), _to_device = new("to", "device");

        public Tensor to_type(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Replacing(_to_dtype.Call(this, type, non_blocking, copy), disposeAfter);

        public Tensor to(ScalarType type, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => to_type(type, copy, disposeAfter, non_blocking);

        public Tensor to(ScalarType type, Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            Replacing(_to_device.Call(this, InitializeDevice(device), type, non_blocking, copy), disposeAfter);

        public Tensor to(Device device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => to(dtype, device, copy, disposeAfter, non_blocking);

        public Tensor to(DeviceType deviceType, int deviceIndex = -1, bool copy = false, bool disposeAfter = false, bool non_blocking = false) =>
            to(new Device(deviceType, deviceIndex), copy, disposeAfter, non_blocking);

        public Tensor to(string device, bool copy = false, bool disposeAfter = false, bool non_blocking = false) => to(new Device(device), copy, disposeAfter, non_blocking);

        public Tensor to(Tensor other, bool non_blocking = false) => to(other.dtype, other.device, non_blocking: non_blocking);

        public Tensor cpu() => to(CPU);
        public Tensor cuda(Device device = null, bool non_blocking = false) => to(device ?? CUDA, non_blocking: non_blocking);
        public Tensor mps(bool non_blocking = false) => to(MPS, non_blocking: non_blocking);
        public Tensor type(Func<Tensor, Tensor> typeFunc) => typeFunc(this);
        public Tensor type(ScalarType dtype) => to_type(dtype);
        public Tensor type_as(Tensor tensor) => to_type(tensor.dtype);

        public Tensor @bool() => to_type(ScalarType.Bool);
        public Tensor @byte() => to_type(ScalarType.Byte);
        public Tensor @char() => to_type(ScalarType.Int8);
        public Tensor @short() => to_type(ScalarType.Int16);
        public Tensor @int() => to_type(ScalarType.Int32);
        public Tensor @long() => to_type(ScalarType.Int64);
        public Tensor half() => to_type(ScalarType.Float16);
        public Tensor bfloat16() => to_type(ScalarType.BFloat16);
        public Tensor @float() => to_type(ScalarType.Float32);
        public Tensor @double() => to_type(ScalarType.Float64);
        public Tensor cfloat() => to_type(ScalarType.ComplexFloat32);
        public Tensor cdouble() => to_type(ScalarType.ComplexFloat64);

        private static readonly Op _clone = new("clone"); public Tensor clone() => _clone.Unary(this);
        private static readonly Op _contiguous = new("contiguous"); public Tensor contiguous() => _contiguous.Unary(this);
        private static readonly Op _alias = new("alias"); public Tensor alias() => _alias.Unary(this);
        private static readonly Op _detach = new("detach"); public Tensor detach() => _detach.Unary(this);
        private static readonly Op _detach_ = new("detach_"); public Tensor detach_() => Change(_detach_, this);
        private static readonly Op _copy_ = new("copy_"); public Tensor copy_(Tensor source, bool nonBlocking = false) => Change(_copy_, this, source, nonBlocking);
        private static readonly Op _set_ = new("set_", "source_Tensor"); public Tensor set_(Tensor source) => Change(_set_, this, source);
        private static readonly Op _pin_memory = new("pin_memory"); public Tensor pin_memory() => _pin_memory.Unary(this);
        private static readonly Op _to_dense = new("to_dense"); public Tensor to_dense() => _to_dense.Unary(this);
        private static readonly Op _real = new("real"); public Tensor real => _real.Unary(this);
        private static readonly Op _imag = new("imag"); public Tensor imag => _imag.Unary(this);
        private static readonly Op _conj = new("conj"); public Tensor conj() => _conj.Unary(this);
        private static readonly Op _resolve_conj = new("resolve_conj"); public Tensor resolve_conj() => _resolve_conj.Unary(this);
        private static readonly Op _resolve_neg = new("resolve_neg"); public Tensor resolve_neg() => _resolve_neg.Unary(this);

        private static readonly Op _item = new("item");

        public Scalar ToScalar() => Scalar.Of(_item.CallNumber(this));

        public T item<T>() where T : unmanaged
        {
            if (NumberOfElements != 1)
                throw new ArgumentException("Number of elements in the tensor must be 1");
            return ReadCpuValue<T>(0);
        }

        public static implicit operator Tensor(byte value) => tensor(value);
        public static implicit operator Tensor(sbyte value) => tensor(value);
        public static implicit operator Tensor(short value) => tensor(value);
        public static implicit operator Tensor(int value) => tensor(value);
        public static implicit operator Tensor(long value) => tensor(value);
        public static implicit operator Tensor(float value) => tensor(value);
        public static implicit operator Tensor(double value) => tensor(value);
        public static implicit operator Tensor(bool value) => tensor(value);
        public static implicit operator Tensor((float, float) value) => tensor(value);
        public static implicit operator Tensor(Complex value) => tensor(value);
        public static implicit operator Tensor(byte[] value) => tensor(value);
        public static implicit operator Tensor(sbyte[] value) => tensor(value);
        public static implicit operator Tensor(short[] value) => tensor(value);
        public static implicit operator Tensor(int[] value) => tensor(value);
        public static implicit operator Tensor(long[] value) => tensor(value);
        public static implicit operator Tensor(float[] value) => tensor(value);
        public static implicit operator Tensor(double[] value) => tensor(value);
        public static implicit operator Tensor(bool[] value) => tensor(value);
        public static implicit operator Tensor((float, float)[] value) => tensor(value);
        public static implicit operator Tensor(Complex[] value) => tensor(value);
        public static implicit operator Tensor(Scalar scalar) => scalar.Type switch
        {
            ScalarType.Int64 => tensor(scalar.ToInt64()),
            ScalarType.Bool => tensor(scalar.ToBoolean()),
            ScalarType.Float64 => tensor(scalar.ToDouble()),
            _ => tensor(scalar.ToComplexFloat64()),
        };

        public static explicit operator bool(Tensor value) => value.ToBoolean();
        public static explicit operator byte(Tensor value) => value.ToByte();
        public static explicit operator sbyte(Tensor value) => value.ToSByte();
        public static explicit operator short(Tensor value) => value.ToInt16();
        public static explicit operator int(Tensor value) => value.ToInt32();
        public static explicit operator long(Tensor value) => value.ToInt64();
        public static explicit operator float(Tensor value) => value.ToSingle();
        public static explicit operator double(Tensor value) => value.ToDouble();

        private Tensor Replacing(Tensor made, bool disposeAfter)
        {
            if (disposeAfter)
                Dispose();
            return made;
        }
    }
}
