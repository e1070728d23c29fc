using System.Runtime.CompilerServices;

namespace TorchSharp;

public static partial class torch
{
    /// <summary>What a tensor is.</summary>
    public unsafe partial class Tensor
    {
        public long Dimensions => Kept(Native.tsi_dim(Handle));
        public long dim() => Dimensions;
        public long ndim => Dimensions;
        public long NumberOfElements => Kept(Native.tsi_numel(Handle));
        public long numel() => NumberOfElements;
        public long ElementSize => Kept(Native.tsi_element_size(Handle));
        public long element_size() => ElementSize;
        public long storage_offset() => Kept(Native.tsi_storage_offset(Handle));

        public long[] shape => Lengths(false);
        public long[] size() => Lengths(false);
        public long size(int dim) => At(Lengths(false), dim);
        public long[] stride() => Lengths(true);
        public long stride(int dim) => At(Lengths(true), dim);

        public ScalarType dtype => (ScalarType)Kept(Native.tsi_dtype(Handle));
        public DeviceType device_type => (DeviceType)(int)(Kept(Native.tsi_device(Handle)) & 0xffffffff);
        public int device_index => (int)(Kept(Native.tsi_device(Handle)) >> 32);
        public Device device => device_type == DeviceType.CPU ? CPU : new Device(device_type, device_index);

        public bool is_integral() => torch.is_integral(dtype);
        public bool is_floating_point() => torch.is_floating_point(dtype);
        public bool is_complex() => torch.is_complex(dtype);
        public bool is_contiguous() => Has(2);
        public bool is_cpu() => device_type == DeviceType.CPU;
        public bool is_cuda => device_type == DeviceType.CUDA;
        public bool is_meta => device_type == DeviceType.META;
        public bool is_sparse => Has(1);
        public bool is_leaf => Has(4);
        private static readonly Op _is_pinned = new("is_pinned"); public bool is_pinned() => _is_pinned.CallBool(this);
        private static readonly Op _is_nonzero = new("is_nonzero"); public bool is_nonzero() => _is_nonzero.CallBool(this);

        public bool requires_grad
        {
            get => Native.Check((int)Kept(Native.tsi_requires_grad(Handle))) != 0;
            set => Native.Check((int)Kept(Native.tsi_set_requires_grad(Handle, value ? 1 : 0)));
        }

        public Tensor requires_grad_(bool requires_grad = true)
        {
            this.requires_grad = requires_grad;
            return this;
        }

        public Tensor with_requires_grad(bool requires_grad = true) => requires_grad_(requires_grad);

        /// <summary>A new wrapper of the gradient each time; null when there is none.</summary>
        public Tensor grad
        {
            get
            {
                Tensor found = OrNull(Native.tsi_grad(Handle));
                GC.KeepAlive(this);
                return found;
            }
            set
            {
                Native.Check(Native.tsi_set_grad(Handle, value is null ? 0 : value.Handle));
                GC.KeepAlive(value);
                GC.KeepAlive(this);
            }
        }

        private bool Has(int flag) => (Native.Check((int)Kept(Native.tsi_flags(Handle))) & flag) != 0;

        private long[] Lengths(bool strides)
        {
            long[] lengths = new long[Dimensions];
            fixed (long* room = lengths)
                Native.Check(Native.tsi_shape(Handle, strides ? null : room, strides ? room : null));
            GC.KeepAlive(this);
            return lengths;
        }

        private static long At(long[] lengths, int dim) =>
            dim >= -lengths.Length && dim < lengths.Length ? lengths[dim < 0 ? dim + lengths.Length : dim]
                : throw new IndexOutOfRangeException($"Dimension out of range (expected to be in range of [{-lengths.Length}, {lengths.Length - 1}], but got {dim})");

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private long Kept(long value)
        {
            GC.KeepAlive(this);
            return value;
        }
    }
}
