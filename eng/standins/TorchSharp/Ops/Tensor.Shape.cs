namespace TorchSharp;

public static partial class torch
{
    /// <summary>The same elements in another shape; most are views.</summary>
    public partial class Tensor
    {
        private static readonly Op _view = new("view"); public Tensor view(params long[] shape) => _view.Call(this, shape);
        private static readonly Op _view_as = new("view_as"); public Tensor view_as(Tensor other) => _view_as.Binary(this, other);
        private static readonly Op _reshape = new("reshape"); public Tensor reshape(params long[] shape) => _reshape.Call(this, shape);
        private static readonly Op _flatten = new("flatten", "using_ints"); public Tensor flatten(long start_dim = 0, long end_dim = -1) => _flatten.Call(this, start_dim, end_dim);
        private static readonly Op _unflatten = new("unflatten", "int"); public Tensor unflatten(long dim, params long[] sizes) => _unflatten.Call(this, dim, sizes);
        public Tensor unflatten(long dim, Size sizes) => unflatten(dim, sizes.Shape);
        private static readonly Op _ravel = new("ravel"); public Tensor ravel() => _ravel.Unary(this);
        private static readonly Op _squeeze = new("squeeze"), _squeeze_dim = new("squeeze", "dim"), _squeeze_ = new("squeeze_"), _squeeze_dim_ = new("squeeze_", "dim");
        public Tensor squeeze(long? dim = null) => dim is { } one ? _squeeze_dim.Call(this, one) : _squeeze.Unary(this);
        public Tensor squeeze_(long? dim = null) => dim is { } one ? Change(_squeeze_dim_, this, one) : Change(_squeeze_, this);
        private static readonly Op _unsqueeze = new("unsqueeze"); public Tensor unsqueeze(long dim) => _unsqueeze.Call(this, dim);
        private static readonly Op _unsqueeze_ = new("unsqueeze_"); public Tensor unsqueeze_(long dim) => Change(_unsqueeze_, this, dim);
        private static readonly Op _transpose = new("transpose", "int"); public Tensor transpose(long dim0, long dim1) => _transpose.Call(this, dim0, dim1);
        private static readonly Op _transpose_ = new("transpose_"); public Tensor transpose_(long dim0, long dim1) => Change(_transpose_, this, dim0, dim1);
        public Tensor swapaxes(long dim0, long dim1) => transpose(dim0, dim1);
        public Tensor swapdims(long dim0, long dim1) => transpose(dim0, dim1);
        private static readonly Op _t = new("t"); public Tensor t() => _t.Unary(this);
        private static readonly Op _adjoint = new("adjoint"); public Tensor adjoint() => _adjoint.Unary(this);
        private static readonly Op _numpy_T = new("numpy_T"); public Tensor T => _numpy_T.Unary(this);
        private static readonly Op _mT = new("mT"); public Tensor mT => _mT.Unary(this);
        private static readonly Op _mH = new("mH"); public Tensor mH => _mH.Unary(this);
        private static readonly Op _matrix_H = new("matrix_H"); public Tensor H => _matrix_H.Unary(this);
        private static readonly Op _permute = new("permute"); public Tensor permute(params long[] permutation) => _permute.Call(this, permutation);
        public Tensor permute(IEnumerable<long> permutation) => permute(permutation.ToArray());
        private static readonly Op _movedim = new("movedim", "intlist"); public Tensor movedim(long[] source, long[] destination) => _movedim.Call(this, source, destination);
        public Tensor moveaxis(long[] source, long[] destination) => movedim(source, destination);
        private static readonly Op _expand = new("expand"); public Tensor expand(long[] sizes, bool isImplicit = false) => _expand.Call(this, sizes, isImplicit);
        public Tensor expand(params long[] sizes) => _expand.Call(this, sizes, false);
        public Tensor expand(ReadOnlySpan<long> sizes, bool isImplicit = false) => expand(sizes.ToArray(), isImplicit);
        public Tensor expand(Size sizes, bool isImplicit = false) => expand(sizes.Shape, isImplicit);
        private static readonly Op _expand_as = new("expand_as"); public Tensor expand_as(Tensor other) => _expand_as.Binary(this, other);
        private static readonly Op _broadcast_to = new("broadcast_to"); public Tensor broadcast_to(params long[] shape) => _broadcast_to.Call(this, shape);
        private static readonly Op _repeat = new("repeat"); public Tensor repeat(params long[] sizes) => _repeat.Call(this, sizes);
        private static readonly Op _tile = new("tile"); public Tensor tile(long[] reps) => _tile.Call(this, reps);
        private static readonly Op _repeat_Tensor = new("repeat_interleave", "self_Tensor"), _repeat_int = new("repeat_interleave", "self_int");
        public Tensor repeat_interleave(Tensor repeats, long? dim = null, long? output_size = null) => _repeat_Tensor.Call(this, repeats, dim, output_size);
        public Tensor repeat_interleave(long repeats, long? dim = null, long? output_size = null) => _repeat_int.Call(this, repeats, dim, output_size);
        private static readonly Op _as_strided = new("as_strided"); public Tensor as_strided(long[] size, long[] strides, long storageOffset = 0) => _as_strided.Call(this, size, strides, storageOffset);
        private static readonly Op _unfold = new("unfold"); public Tensor unfold(long dimension, long size, long step) => _unfold.Call(this, dimension, size, step);
        private static readonly Op _atleast_1d = new("atleast_1d"); public Tensor atleast_1d() => _atleast_1d.Unary(this);
        private static readonly Op _atleast_2d = new("atleast_2d"); public Tensor atleast_2d() => _atleast_2d.Unary(this);
        private static readonly Op _atleast_3d = new("atleast_3d"); public Tensor atleast_3d() => _atleast_3d.Unary(this);
        private static readonly Op _view_as_complex = new("view_as_complex"); public Tensor view_as_complex() => _view_as_complex.Unary(this);
        private static readonly Op _view_as_real = new("view_as_real"); public Tensor view_as_real() => _view_as_real.Unary(this);

        private static readonly Op _flip = new("flip"); public Tensor flip(params long[] dims) => _flip.Call(this, dims);
        private static readonly Op _fliplr = new("fliplr"); public Tensor fliplr() => _fliplr.Unary(this);
        private static readonly Op _flipud = new("flipud"); public Tensor flipud() => _flipud.Unary(this);
        private static readonly Op _roll = new("roll"); public Tensor roll(long[] shifts, long[] dims) => _roll.Call(this, shifts, dims ?? []);
        public Tensor roll(long[] shifts) => _roll.Call(this, shifts, Array.Empty<long>());
        public Tensor roll(long shifts, long? dims = null) => _roll.Call(this, shifts, dims is { } dim ? new[] { dim } : Array.Empty<long>());
        public Tensor roll((long, long) shifts, (long, long) dims) => roll(new[] { shifts.Item1, shifts.Item2 }, new[] { dims.Item1, dims.Item2 });
        public Tensor roll((long, long, long) shifts, (long, long, long) dims) => roll(new[] { shifts.Item1, shifts.Item2, shifts.Item3 }, new[] { dims.Item1, dims.Item2, dims.Item3 });
        public Tensor roll(ReadOnlySpan<long> shifts, ReadOnlySpan<long> dims = default) => roll(shifts.ToArray(), dims.ToArray());
        private static readonly Op _rot90 = new("rot90"); public Tensor rot90(long k = 1, (long, long)? dims = null) => _rot90.Call(this, k, new long[] { dims?.Item1 ?? 0, dims?.Item2 ?? 1 });

        private static readonly Op _tril = new("tril"); public Tensor tril(long diagonal = 0) => _tril.Call(this, diagonal);
        private static readonly Op _tril_ = new("tril_"); public Tensor tril_(long diagonal = 0) => Change(_tril_, this, diagonal).Share();
        private static readonly Op _triu = new("triu"); public Tensor triu(long diagonal = 0) => _triu.Call(this, diagonal);
        private static readonly Op _triu_ = new("triu_"); public Tensor triu_(long diagonal = 0) => Change(_triu_, this, diagonal).Share();
        private static readonly Op _diag = new("diag"); public Tensor diag(long diagonal = 0) => _diag.Call(this, diagonal);
        private static readonly Op _diagflat = new("diagflat"); public Tensor diagflat(long offset = 0) => _diagflat.Call(this, offset);
        private static readonly Op _diag_embed = new("diag_embed"); public Tensor diag_embed(long offset = 0, long dim1 = -2, long dim2 = -1) => _diag_embed.Call(this, offset, dim1, dim2);

        private static readonly Op _chunk = new("chunk"); public Tensor[] chunk(long chunks, long dim = 0) => _chunk.CallList(this, chunks, dim);
        private static readonly Op _unbind = new("unbind", "int"); public Tensor[] unbind(long dimension = 0) => _unbind.CallList(this, dimension);
        private static readonly Op _split = new("split", "Tensor"), _split_sizes = new("split_with_sizes");
        public Tensor[] split(long size, int dim = 0) => _split.CallList(this, size, dim);
        public Tensor[] split(long[] sizes, long dim = 0) => _split_sizes.CallList(this, sizes, dim);
        public Tensor[] split(params long[] sizes) => _split_sizes.CallList(this, sizes, 0);
        public Tensor[] split(ReadOnlySpan<long> sizes, long dim = 0) => split(sizes.ToArray(), dim);
        private static readonly Op _tensor_split = new("tensor_split", "sections"), _tensor_split_indices = new("tensor_split", "indices"), _tensor_split_Tensor = new("tensor_split", "tensor_indices_or_sections");
        public Tensor[] tensor_split(long size, long dim = 0) => _tensor_split.CallList(this, size, dim);
        public Tensor[] tensor_split(long[] sizes, long dim = 0) => _tensor_split_indices.CallList(this, sizes, dim);
        public Tensor[] tensor_split(Tensor indices, long dim = 0) => _tensor_split_Tensor.CallList(this, indices, dim);
        private static readonly Op _hsplit = new("hsplit", "int"), _hsplit_array = new("hsplit", "array"), _vsplit = new("vsplit", "int"), _vsplit_array = new("vsplit", "array");
        public Tensor[] hsplit(long size) => _hsplit.CallList(this, size);
        public Tensor[] hsplit(params long[] sizes) => _hsplit_array.CallList(this, sizes);
        public Tensor[] vsplit(long size) => _vsplit.CallList(this, size);
        public Tensor[] vsplit(params long[] sizes) => _vsplit_array.CallList(this, sizes);
    }
}
