namespace TorchSharp;

public static partial class torch
{
    private static readonly Op _cat = new("cat"), _stack = new("stack"), _hstack = new("hstack"), _vstack = new("vstack"), _dstack = new("dstack"), _column_stack = new("column_stack");

    public static Tensor cat(IList<Tensor> tensors, long dim = 0) => _cat.Call(Arg.List(tensors), dim);
    public static Tensor concat(IList<Tensor> tensors, long dim = 0) => cat(tensors, dim);
    public static Tensor concatenate(IList<Tensor> tensors, long axis = 0) => cat(tensors, axis);
    public static Tensor stack(IEnumerable<Tensor> tensors, long dim = 0) => _stack.Call(Arg.List(tensors), dim);
    public static Tensor hstack(IList<Tensor> tensors) => _hstack.Call(Arg.List(tensors));
    public static Tensor hstack(params Tensor[] tensors) => _hstack.Call(tensors);
    public static Tensor hstack(IEnumerable<Tensor> tensors) => _hstack.Call(Arg.List(tensors));
    public static Tensor vstack(IList<Tensor> tensors) => _vstack.Call(Arg.List(tensors));
    public static Tensor dstack(IList<Tensor> tensors) => _dstack.Call(Arg.List(tensors));
    public static Tensor dstack(params Tensor[] tensors) => _dstack.Call(tensors);
    public static Tensor dstack(IEnumerable<Tensor> tensors) => _dstack.Call(Arg.List(tensors));
    public static Tensor column_stack(IList<Tensor> tensors) => _column_stack.Call(Arg.List(tensors));
    public static Tensor column_stack(params Tensor[] tensors) => _column_stack.Call(tensors);

    private static readonly Op _broadcast_tensors = new("broadcast_tensors"), _meshgrid = new("meshgrid", "indexing"), _einsum = new("einsum"), _block_diag = new("block_diag"), _cartesian_prod = new("cartesian_prod");

    public static IList<Tensor> broadcast_tensors(params Tensor[] tensors) => _broadcast_tensors.CallList(tensors);
    public static Tensor[] meshgrid(IEnumerable<Tensor> tensors, string indexing = "ij") => _meshgrid.CallList(Arg.List(tensors), indexing);
    public static Tensor einsum(string equation, params Tensor[] tensors) => _einsum.Call(equation, tensors);
    public static Tensor block_diag(params Tensor[] tensors) => _block_diag.Call(tensors);
    public static Tensor cartesian_prod(params Tensor[] tensors) => _cartesian_prod.Call(tensors);
    public static Tensor cartesian_prod(IList<Tensor> tensors) => _cartesian_prod.Call(Arg.List(tensors));

    public static Size broadcast_shapes(params long[][] shapes)
    {
        long[] joint = new long[shapes.Max(shape => shape.Length)];
        Array.Fill(joint, 1);
        foreach (long[] shape in shapes)
            for (int k = 1; k <= shape.Length; k++)
            {
                ref long length = ref joint[^k];
                if (shape[^k] != 1 && length != 1 && shape[^k] != length)
                    throw new ArgumentException($"Shape mismatch: lengths {length} and {shape[^k]} of dimension {-k} can not be broadcast.");
                length = length == 1 ? shape[^k] : length;
            }
        return new Size(joint);
    }

    private static readonly Op _where = new("where", "self"), _where_condition = new("where");
    public static Tensor where(Tensor condition, Tensor x, Tensor y) => _where.Call(condition, x, y);
    public static Tensor[] where(Tensor condition) => _where_condition.CallList(condition);

    private static readonly Op _searchsorted = new("searchsorted", "Tensor"), _searchsorted_Scalar = new("searchsorted", "Scalar"), _cdist = new("cdist");
    public static Tensor searchsorted(Tensor sorted_sequence, Tensor values, bool out_int32 = false, bool right = false, Tensor sorter = null) => _searchsorted.Call(sorted_sequence, values, out_int32, right, Arg.None, sorter);
    public static Tensor searchsorted(Tensor sorted_sequence, Scalar values, bool out_int32, bool right, Tensor sorter) => _searchsorted_Scalar.Call(sorted_sequence, values, out_int32, right, Arg.None, sorter);
    public static Tensor cdist(Tensor x1, Tensor x2, double p = 2, compute_mode compute_mode = compute_mode.use_mm_for_euclid_dist_if_necessary) => _cdist.Call(x1, x2, p, (long)compute_mode);

    public static Tensor combinations(Tensor input, int r = 2, bool with_replacement = false) => _combinations.Call(input, r, with_replacement);
    private static readonly Op _combinations = new("combinations");

    public static Tensor movedim(Tensor input, long source, long destination) => input.movedim([source], [destination]);
    public static Tensor moveaxis(Tensor input, long source, long destination) => input.movedim([source], [destination]);
    public static Tensor gather(Tensor input, long dim, Tensor index, bool sparse_grad = false) => input.gather(dim, index);
    public static Tensor bincount(Tensor input, Tensor weights = null, long minlength = 0) => input.bincount(weights, minlength);
    public static Tensor[] split(Tensor tensor, long[] split_size_or_sections, long dim = 0) => tensor.split(split_size_or_sections, dim);
    public static Tensor softmax(Tensor input, int dim, ScalarType? dtype = null) => input.softmax(dim, dtype);
    public static Tensor norm(Tensor input) => input.norm();
    public static Tensor norm(Tensor input, int dimension, bool keepdim = false, float p = 2f) => input.norm(dimension, keepdim, p);

    public static int randint_int(int low, int high, Generator generator = null) => (int)randint_long(low, high, generator);
    public static int randint_int(int high, Generator generator = null) => (int)randint_long(0, high, generator);
    public static long randint_long(long high, Generator generator = null) => randint_long(0, high, generator);
    public static bool randint_bool(Generator generator = null) => randint_long(0, 2, generator) == 1;
    public static double rand_float(Generator generator = null) => Drawn(rand((long[])[], generator: generator));
    public static double randn_float(Generator generator = null) => Drawn(randn((long[])[], generator: generator));

    public static long randint_long(long low, long high, Generator generator = null)
    {
        using Tensor drawn = randint(low, high, (long[])[], generator: generator);
        return drawn.ToInt64();
    }

    private static double Drawn(Tensor drawn)
    {
        using (drawn)
            return drawn.ToDouble();
    }
}
