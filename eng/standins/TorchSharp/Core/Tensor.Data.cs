using System.IO;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>The memory of a tensor that lies in the computer's own.</summary>
    public unsafe partial class Tensor
    {
        /// <summary>The elements, valid as long as the tensor; contiguous tensors of up to 2 GiB alone.</summary>
        public Span<byte> bytes
        {
            get
            {
                long size = NumberOfElements * ElementSize;
                RequireBytes(size);
                return new Span<byte>(size == 0 ? null : Pointer(), (int)size);
            }
            set
            {
                long size = NumberOfElements * ElementSize;
                RequireBytes(0);
                if (size != value.Length)
                    throw new ArgumentException("Mismatched data sizes in SetBytes().");
                value.CopyTo(bytes);
            }
        }

        public void WriteBytesToStream(Stream stream, int bufferSize = 1024)
        {
            RequireBytes(0);
            long left = NumberOfElements * ElementSize;
            for (byte* next = left == 0 ? null : Pointer(); left > 0;)
            {
                int part = (int)Math.Min(left, Math.Max(bufferSize, 1 << 20));
                stream.Write(new ReadOnlySpan<byte>(next, part));
                next += part;
                left -= part;
            }
            GC.KeepAlive(this);
        }

        public void ReadBytesFromStream(Stream stream, int bufferSize = 1024)
        {
            RequireBytes(0);
            long left = NumberOfElements * ElementSize;
            for (byte* next = left == 0 ? null : Pointer(); left > 0;)
            {
                int read = stream.Read(new Span<byte>(next, (int)Math.Min(left, Math.Max(bufferSize, 1 << 20))));
                if (read == 0)
                    throw new EndOfStreamException();
                next += read;
                left -= read;
            }
            GC.KeepAlive(this);
        }

        public Utils.TensorAccessor<T> data<T>() where T : unmanaged
        {
            RequireType(typeof(T));
            return new Utils.TensorAccessor<T>(this);
        }

        public T ReadCpuValue<T>(long i) where T : unmanaged
        {
            RequireType(typeof(T));
            RequireCpu();
            long count = NumberOfElements;
            if (i >= count || i < 0)
                throw new ArgumentOutOfRangeException(nameof(i), $"{i} in a collection of {count} elements.");
            T value = ((T*)Pointer())[i == 0 ? 0 : Offset(i)];
            GC.KeepAlive(this);
            return value;
        }

        public bool ReadCpuBool(long i) => ReadCpuValue<bool>(i);
        public byte ReadCpuByte(long i) => ReadCpuValue<byte>(i);
        public sbyte ReadCpuSByte(long i) => ReadCpuValue<sbyte>(i);
        public short ReadCpuInt16(long i) => ReadCpuValue<short>(i);
        public int ReadCpuInt32(long i) => ReadCpuValue<int>(i);
        public long ReadCpuInt64(long i) => ReadCpuValue<long>(i);
        public float ReadCpuSingle(long i) => ReadCpuValue<float>(i);
        public double ReadCpuDouble(long i) => ReadCpuValue<double>(i);
        public float ReadCpuFloat16(long i) => Read16(i);
        public float ReadCpuBFloat16(long i) => Read16(i);

        public object tolist()
        {
            if (dim() == 0)
                return ToScalar();
            Tensor[] rows = unbind();
            return rows.Select(row => { using (row) return row.tolist(); }).ToList();
        }

        internal byte* Pointer() => (byte*)Native.Check(Native.tsi_data(Handle));

        internal void RequireCpu()
        {
            if (device_type != DeviceType.CPU)
                throw new InvalidOperationException("Reading data from non-CPU memory is not supported. Move or copy the tensor to the cpu before reading.");
        }

        /// <summary>Where element <paramref name="i"/> in reading order lies, in elements from the start.</summary>
        internal long Offset(long i)
        {
            if (is_contiguous())
                return i;
            long[] lengths = shape, steps = stride();
            long offset = 0;
            for (int dim = lengths.Length - 1; dim >= 0; dim--)
            {
                offset += i % lengths[dim] * steps[dim];
                i /= lengths[dim];
            }
            return offset;
        }

        private void RequireBytes(long size)
        {
            if (!is_contiguous())
                throw new InvalidOperationException("Bytes() called on non-contiguous tensor.");
            if (size > int.MaxValue)
                throw new ArgumentException("Span only supports up to int.MaxValue elements.");
            RequireCpu();
        }

        private float Read16(long i)
        {
            RequireCpu();
            ushort bits = ((ushort*)Pointer())[Offset(i)];
            GC.KeepAlive(this);
            return dtype == ScalarType.BFloat16 ? BitConverter.UInt32BitsToSingle((uint)bits << 16) : (float)BitConverter.UInt16BitsToHalf(bits);
        }

        private void RequireType(Type type)
        {
            if (ElementType(type) != dtype) // no .NET type stands for bfloat16
                throw new ArgumentException($"{type.Name} is not compatible with {dtype}");
        }
    }
}
