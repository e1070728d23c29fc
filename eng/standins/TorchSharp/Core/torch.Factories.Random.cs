namespace TorchSharp;

public static partial class torch
{
    private static readonly Op _rand = new("rand", "generator"), _rand_like = new("rand_like");
    public static Tensor rand(long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => Made(_rand.Call(size, generator, dtype ?? _defaultType, Arg.None, device ?? _default), requires_grad);
    public static Tensor rand(ReadOnlySpan<long> size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => rand(size.ToArray(), dtype, device, requires_grad, generator);
    public static Tensor rand(long size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => rand(new long[] { size }, dtype, device, requires_grad, generator);
    public static Tensor rand(long rows, long columns, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => rand(new long[] { rows, columns }, dtype, device, requires_grad, generator);
    public static Tensor rand(long dim0, long dim1, long dim2, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => rand(new long[] { dim0, dim1, dim2 }, dtype, device, requires_grad, generator);
    public static Tensor rand(long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => rand(new long[] { dim0, dim1, dim2, dim3 }, dtype, device, requires_grad, generator);
    public static Tensor rand(int size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => rand(new long[] { size }, dtype, device, requires_grad, generator);
    public static Tensor rand(int rows, int columns, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => rand(new long[] { rows, columns }, dtype, device, requires_grad, generator);
    public static Tensor rand(int dim0, int dim1, int dim2, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => rand(new long[] { dim0, dim1, dim2 }, dtype, device, requires_grad, generator);
    public static Tensor rand(int dim0, int dim1, int dim2, int dim3, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => rand(new long[] { dim0, dim1, dim2, dim3 }, dtype, device, requires_grad, generator);
    public static Tensor rand_like(Tensor input, ScalarType? dtype = null, Device device = null, bool requires_grad = false) => Made(_rand_like.Call(input, dtype, Arg.None, device), requires_grad);

    private static readonly Op _randn = new("randn", "generator"), _randn_like = new("randn_like");
    public static Tensor randn(long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => Made(_randn.Call(size, generator, dtype ?? _defaultType, Arg.None, device ?? _default), requires_grad);
    public static Tensor randn(ReadOnlySpan<long> size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => randn(size.ToArray(), dtype, device, requires_grad, generator);
    public static Tensor randn(long size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => randn(new long[] { size }, dtype, device, requires_grad, generator);
    public static Tensor randn(long rows, long columns, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => randn(new long[] { rows, columns }, dtype, device, requires_grad, generator);
    public static Tensor randn(long dim0, long dim1, long dim2, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => randn(new long[] { dim0, dim1, dim2 }, dtype, device, requires_grad, generator);
    public static Tensor randn(long dim0, long dim1, long dim2, long dim3, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => randn(new long[] { dim0, dim1, dim2, dim3 }, dtype, device, requires_grad, generator);
    public static Tensor randn(int size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => randn(new long[] { size }, dtype, device, requires_grad, generator);
    public static Tensor randn(int rows, int columns, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => randn(new long[] { rows, columns }, dtype, device, requires_grad, generator);
    public static Tensor randn(int dim0, int dim1, int dim2, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => randn(new long[] { dim0, dim1, dim2 }, dtype, device, requires_grad, generator);
    public static Tensor randn(int dim0, int dim1, int dim2, int dim3, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => randn(new long[] { dim0, dim1, dim2, dim3 }, dtype, device, requires_grad, generator);
    public static Tensor randn_like(Tensor input, ScalarType? dtype = null, Device device = null, bool requires_grad = false) => Made(_randn_like.Call(input, dtype, Arg.None, device), requires_grad);

    private static readonly Op _randint = new("randint", "low_generator"), _randint_like = new("randint_like", "low_dtype"), _randperm = new("randperm", "generator");
    public static Tensor randint(long low, long high, long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => Made(_randint.Call(low, high, size, generator, dtype ?? ScalarType.Int64, Arg.None, device ?? _default), requires_grad);
    public static Tensor randint(long high, long[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => randint(0L, high, size, dtype, device, requires_grad, generator);
    public static Tensor randint(long low, long high, Size size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => randint(low, high, size.Shape, dtype, device, requires_grad, generator);
    public static Tensor randint(long high, Size size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => randint(0L, high, size.Shape, dtype, device, requires_grad, generator);
    public static Tensor randint(int low, int high, int[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => randint(low, high, Array.ConvertAll(size, s => (long)s), dtype, device, requires_grad, generator);
    public static Tensor randint(int high, int[] size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null) => randint(0L, high, Array.ConvertAll(size, s => (long)s), dtype, device, requires_grad, generator);
    public static Tensor randint_like(Tensor input, long low, long high, ScalarType? dtype = null, Device device = null, bool requires_grad = false) => Made(_randint_like.Call(input, low, high, dtype, Arg.None, device), requires_grad);
    public static Tensor randperm(long n, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null) => Made(_randperm.Call(n, generator, dtype ?? ScalarType.Int64, Arg.None, device ?? _default), requires_grad);
    private static readonly Op _randperm_out = new("randperm", "generator_out");
    public static Tensor randperm(long n, Tensor @out, Generator generator = null)
    {
        _randperm_out.Run(n, generator, @out);
        return @out;
    }

    private static readonly Op _normal = new("normal", "Tensor_Tensor");
    public static Tensor normal(Tensor mean, Tensor std, Generator generator = null) => _normal.Call(mean, std, generator);
    public static Tensor normal(double mean, double std, ReadOnlySpan<long> size, ScalarType? dtype = null, Device device = null, bool requires_grad = false, Generator generator = null, string[] names = null)
    {
        Tensor drawn = empty(size, dtype, device);
        return Made(drawn.normal_(mean, std, generator), requires_grad);
    }

    private static readonly Op _arange = new("arange", "start_step"), _linspace = new("linspace"), _logspace = new("logspace"), _eye = new("eye", "m"), _tril_indices = new("tril_indices"), _triu_indices = new("triu_indices");
    public static Tensor arange(Scalar start, Scalar stop, Scalar step, ScalarType? dtype = null, Device device = null, bool requires_grad = false) => Made(_arange.Call(start, stop, step, dtype ?? RangeType(start, stop, step), Arg.None, device ?? _default), requires_grad);
    public static Tensor arange(Scalar start, Scalar stop, ScalarType? dtype = null, Device device = null, bool requires_grad = false) => arange(start, stop, 1, dtype, device, requires_grad);
    public static Tensor arange(Scalar stop, ScalarType? dtype = null, Device device = null, bool requires_grad = false) => arange(0, stop, 1, dtype, device, requires_grad);
    public static Tensor linspace(double start, double end, long steps, ScalarType? dtype = null, Device device = null, bool requires_grad = false) => Made(_linspace.Call(start, end, steps, dtype ?? _defaultType, Arg.None, device ?? _default), requires_grad);
    public static Tensor logspace(double start, double end, long steps, double @base = 10, ScalarType? dtype = null, Device device = null, bool requires_grad = false) => Made(_logspace.Call(start, end, steps, @base, dtype ?? _defaultType, Arg.None, device ?? _default), requires_grad);
    public static Tensor eye(long rows, long columns = -1, ScalarType? dtype = null, Device device = null, bool requires_grad = false, string[] names = null) => Made(_eye.Call(rows, columns < 0 ? rows : columns, dtype ?? _defaultType, Arg.None, device ?? _default), requires_grad);
    public static Tensor tril_indices(long row, long col, long offset = 0, ScalarType dtype = ScalarType.Int64, Device device = null) => _tril_indices.Call(row, col, offset, dtype, Arg.None, device ?? _default);
    public static Tensor triu_indices(long row, long col, long offset = 0, ScalarType dtype = ScalarType.Int64, Device device = null) => _triu_indices.Call(row, col, offset, dtype, Arg.None, device ?? _default);

    private static ScalarType RangeType(params ReadOnlySpan<Scalar> bounds)
    {
        foreach (Scalar bound in bounds)
            if (bound.Type == ScalarType.Float64)
                return _defaultType;
        return ScalarType.Int64;
    }
}
