namespace TorchSharp;

public static partial class torch
{
    /// <summary>Parts of a tensor, by position, by index tensor and by mask.</summary>
    public partial class Tensor
    {
        private static readonly Op _select = new("select", "int"); public Tensor select(long dim, long index) => _select.Call(this, dim, index);
        private static readonly Op _narrow = new("narrow"); public Tensor narrow(long dim, long start, long length) => _narrow.Call(this, dim, start, length);
        private static readonly Op _slice = new("slice", "Tensor"); public Tensor slice(long dim, long start, long finish, long step) => _slice.Call(this, dim, start, finish, step);
        private static readonly Op _slice_scatter = new("slice_scatter"); public Tensor slice_scatter(Tensor src, long dim = 0, long? start = null, long? end = null, long step = 1) => _slice_scatter.Call(this, src, dim, start, end, step);
        private static readonly Op _select_scatter = new("select_scatter"); public Tensor select_scatter(Tensor src, long dim, long index) => _select_scatter.Call(this, src, dim, index);
        private static readonly Op _diagonal_scatter = new("diagonal_scatter"); public Tensor diagonal_scatter(Tensor src, long offset = 0, long dim1 = 0, long dim2 = 1) => _diagonal_scatter.Call(this, src, offset, dim1, dim2);
        private static readonly Op _gather = new("gather"); public Tensor gather(long dim, Tensor index) => _gather.Call(this, dim, index);
        private static readonly Op _scatter = new("scatter", "src"); public Tensor scatter(long dim, Tensor index, Tensor src) => _scatter.Call(this, dim, index, src);
        private static readonly Op _scatter_ = new("scatter_", "src"); public Tensor scatter_(long dim, Tensor index, Tensor src) => Change(_scatter_, this, dim, index, src);
        private static readonly Op _scatter_add = new("scatter_add"); public Tensor scatter_add(long dim, Tensor index, Tensor src) => _scatter_add.Call(this, dim, index, src);
        private static readonly Op _scatter_add_ = new("scatter_add_"); public Tensor scatter_add_(long dim, Tensor index, Tensor src) => Change(_scatter_add_, this, dim, index, src);
        private static readonly Op _index_select = new("index_select"); public Tensor index_select(long dim, Tensor index) => _index_select.Call(this, dim, index);
        private static readonly Op _index_add = new("index_add"); public Tensor index_add(long dim, Tensor index, Tensor source, Scalar alpha) => _index_add.Call(this, dim, index, source, alpha);
        private static readonly Op _index_add_ = new("index_add_"); public Tensor index_add_(long dim, Tensor index, Tensor source, Scalar alpha) => Change(_index_add_, this, dim, index, source, alpha);
        private static readonly Op _index_copy = new("index_copy"); public Tensor index_copy(long dim, Tensor index, Tensor source) => _index_copy.Call(this, dim, index, source);
        private static readonly Op _index_copy_ = new("index_copy_"); public Tensor index_copy_(long dim, Tensor index, Tensor source) => Change(_index_copy_, this, dim, index, source);
        private static readonly Op _index_fill = new("index_fill", "int_Scalar"); public Tensor index_fill(long dim, Tensor index, Scalar value) => _index_fill.Call(this, dim, index, value);
        private static readonly Op _index_fill_ = new("index_fill_", "int_Scalar"); public Tensor index_fill_(long dim, Tensor index, Scalar value) => Change(_index_fill_, this, dim, index, value);
        private static readonly Op _take = new("take"); public Tensor take(Tensor index) => _take.Binary(this, index);
        private static readonly Op _take_along_dim = new("take_along_dim"); public Tensor take_along_dim(Tensor indices, long dim) => _take_along_dim.Call(this, indices, dim);
        public Tensor take_along_dim(Tensor indices) => _take_along_dim.Call(this, indices, Arg.None);
        public Tensor take_along_dim(IEnumerable<long> indices, long dim)
        {
            using Tensor positions = tensor(indices.ToArray(), device: device);
            return take_along_dim(positions, dim);
        }
        public Tensor take_along_dim(IEnumerable<long> indices)
        {
            using Tensor positions = tensor(indices.ToArray(), device: device);
            return take_along_dim(positions);
        }
        private static readonly Op _masked_fill = new("masked_fill", "Scalar"); public Tensor masked_fill(Tensor mask, Scalar value) => _masked_fill.Call(this, mask, value);
        private static readonly Op _masked_fill_ = new("masked_fill_", "Scalar"); public Tensor masked_fill_(Tensor mask, Scalar value) => Change(_masked_fill_, this, mask, value);
        private static readonly Op _masked_scatter = new("masked_scatter"); public Tensor masked_scatter(Tensor mask, Tensor value) => _masked_scatter.Call(this, mask, value);
        private static readonly Op _masked_scatter_ = new("masked_scatter_"); public Tensor masked_scatter_(Tensor mask, Tensor value) => Change(_masked_scatter_, this, mask, value);
        private static readonly Op _masked_select = new("masked_select"); public Tensor masked_select(Tensor mask) => _masked_select.Binary(this, mask);
        private static readonly Op _nonzero = new("nonzero"); public Tensor nonzero() => _nonzero.Unary(this);
        private static readonly Op _nonzero_numpy = new("nonzero_numpy"); public IList<Tensor> nonzero_as_list() => _nonzero_numpy.CallList(this);
        private static readonly Op _argwhere = new("argwhere"); public Tensor argwhere() => _argwhere.Unary(this);

        public Tensor index(params Tensor[] indices) => index(Array.ConvertAll(indices, TensorIndex.Tensor));

        public Tensor index(params TensorIndex[] indices) => Indexing.Get(this, indices);

        public Tensor index_put_(Tensor value, params Tensor[] indices) => index_put_(value, Array.ConvertAll(indices, TensorIndex.Tensor));

        public Tensor index_put_(Tensor value, params TensorIndex[] indices)
        {
            Indexing.Put(this, indices, value);
            return this;
        }

        public Tensor index_put_(Scalar value, params Tensor[] indices) => index_put_(value, Array.ConvertAll(indices, TensorIndex.Tensor));

        public Tensor index_put_(Scalar value, params TensorIndex[] indices)
        {
            using Tensor number = torch.full((long[])[], value, dtype, device);
            return index_put_(number, indices);
        }

        public Tensor this[params TensorIndex[] indices] { get => index(indices); set => index_put_(value, indices); }

        public Tensor this[params Tensor[] indices] { get => index(indices); set => index_put_(value, indices); }

        public Tensor this[params long[] indices] { get => Positions(indices); set => Write(indices, value); }

        public Tensor this[long i1] { get => Positions(i1); set => Write([i1], value); }
        public Tensor this[long i1, long i2] { get => Positions(i1, i2); set => Write([i1, i2], value); }
        public Tensor this[long i1, long i2, long i3] { get => Positions(i1, i2, i3); set => Write([i1, i2, i3], value); }
        public Tensor this[long i1, long i2, long i3, long i4] { get => Positions(i1, i2, i3, i4); set => Write([i1, i2, i3, i4], value); }
        public Tensor this[long i1, long i2, long i3, long i4, long i5] { get => Positions(i1, i2, i3, i4, i5); set => Write([i1, i2, i3, i4, i5], value); }
        public Tensor this[long i1, long i2, long i3, long i4, long i5, long i6] { get => Positions(i1, i2, i3, i4, i5, i6); set => Write([i1, i2, i3, i4, i5, i6], value); }

        private Tensor Positions(params ReadOnlySpan<long> positions)
        {
            Tensor part = this;
            foreach (long position in positions)
            {
                Tensor next = part.select(0, position);
                if (!ReferenceEquals(part, this))
                    part.Dispose();
                part = next;
            }
            return part;
        }

        private void Write(ReadOnlySpan<long> positions, Tensor value)
        {
            using Tensor place = Positions(positions);
            place.copy_(value);
        }
    }
}
