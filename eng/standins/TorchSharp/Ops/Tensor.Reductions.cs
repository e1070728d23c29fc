namespace TorchSharp;

public static partial class torch
{
    /// <summary>Many elements to one, over the whole tensor or along dimensions.</summary>
    public partial class Tensor
    {
        private static readonly Op _sum = new("sum"), _sum_dims = new("sum", "dim_IntList");
        public Tensor sum(ScalarType? type = null) => _sum.Call(this, type);
        public Tensor sum(long[] dim, bool keepdim = false, ScalarType? type = null) => _sum_dims.Call(this, dim, keepdim, type);
        public Tensor sum(ReadOnlySpan<long> dim, bool keepdim = false, ScalarType? type = null) => sum(dim.ToArray(), keepdim, type);
        public Tensor sum(long dim, bool keepdim = false, ScalarType? type = null) => _sum_dims.Call(this, dim, keepdim, type);
        public Tensor sum(long dim0, long dim1, bool keepdim = false, ScalarType? type = null) => sum([dim0, dim1], keepdim, type);
        public Tensor sum(long dim0, long dim1, long dim2, bool keepdim = false, ScalarType? type = null) => sum([dim0, dim1, dim2], keepdim, type);
        private static readonly Op _nansum = new("nansum"); public Tensor nansum() => _nansum.Unary(this);
        private static readonly Op _mean = new("mean"), _mean_dims = new("mean", "dim");
        public Tensor mean() => _mean.Unary(this);
        public Tensor mean(long[] dimensions, bool keepdim = false, ScalarType? type = null) => _mean_dims.Call(this, dimensions, keepdim, type);
        private static readonly Op _nanmean = new("nanmean"); public Tensor nanmean(int? dim = null, bool keepdim = false, ScalarType? dtype = null) => _nanmean.Call(this, dim is { } one ? (Arg)one : Arg.None, keepdim, dtype);
        private static readonly Op _prod = new("prod"), _prod_dim = new("prod", "dim_int");
        public Tensor prod(ScalarType? type = null) => _prod.Call(this, type);
        public Tensor prod(long dim, bool keepdim = false, ScalarType? type = null) => _prod_dim.Call(this, dim, keepdim, type);
        private static readonly Op _cumsum = new("cumsum"); public Tensor cumsum(long dim, ScalarType? type = null) => _cumsum.Call(this, dim, type);
        private static readonly Op _cumprod = new("cumprod"); public Tensor cumprod(long dim, ScalarType? type = null) => _cumprod.Call(this, dim, type);
        private static readonly Op _cummax = new("cummax"); public (Tensor values, Tensor indexes) cummax(long dim) => _cummax.Call2(this, dim);
        private static readonly Op _cummin = new("cummin"); public (Tensor values, Tensor indexes) cummin(long dim) => _cummin.Call2(this, dim);
        private static readonly Op _logcumsumexp = new("logcumsumexp"); public Tensor logcumsumexp(long dim) => _logcumsumexp.Call(this, dim);
        private static readonly Op _logsumexp = new("logsumexp"); public Tensor logsumexp(long dim, bool keepdim = false) => _logsumexp.Call(this, dim, keepdim);

        private static readonly Op _max = new("max"), _max_dim = new("max", "dim"), _max_other = new("max", "other");
        public Tensor max() => _max.Unary(this);
        public Tensor max(Tensor other) => _max_other.Binary(this, other);
        public (Tensor values, Tensor indexes) max(long dim, bool keepdim = false) => _max_dim.Call2(this, dim, keepdim);
        private static readonly Op _min = new("min"), _min_dim = new("min", "dim"), _min_other = new("min", "other");
        public Tensor min() => _min.Unary(this);
        public Tensor min(Tensor other) => _min_other.Binary(this, other);
        public (Tensor values, Tensor indexes) min(long dim, bool keepdim = false) => _min_dim.Call2(this, dim, keepdim);
        private static readonly Op _amax = new("amax");
        public Tensor amax(params long[] dims) => _amax.Call(this, dims, false);
        public Tensor amax(long[] dims, bool keepdim = false, Tensor @out = null) => Into(@out, _amax.Call(this, dims, keepdim));
        public Tensor amax(ReadOnlySpan<long> dims, bool keepdim = false, Tensor @out = null) => amax(dims.ToArray(), keepdim, @out);
        private static readonly Op _amin = new("amin");
        public Tensor amin(params long[] dims) => _amin.Call(this, dims, false);
        public Tensor amin(long[] dims, bool keepdim = false, Tensor @out = null) => Into(@out, _amin.Call(this, dims, keepdim));
        public Tensor amin(ReadOnlySpan<long> dims, bool keepdim = false, Tensor @out = null) => amin(dims.ToArray(), keepdim, @out);
        private static readonly Op _aminmax = new("aminmax"); public (Tensor min, Tensor max) aminmax(long? dim = null, bool keepdim = false) => _aminmax.Call2(this, dim, keepdim);
        private static readonly Op _argmax = new("argmax");
        public Tensor argmax() => _argmax.Unary(this);
        public Tensor argmax(long dim, bool keepdim = false) => _argmax.Call(this, dim, keepdim);
        private static readonly Op _argmin = new("argmin");
        public Tensor argmin() => _argmin.Unary(this);
        public Tensor argmin(long dim, bool keepdim = false) => _argmin.Call(this, dim, keepdim);
        private static readonly Op _all = new("all"), _all_dim = new("all", "dim"), _any = new("any"), _any_dim = new("any", "dim");
        public Tensor all() => _all.Unary(this);
        public Tensor all(long dim, bool keepdim = false) => _all_dim.Call(this, dim, keepdim);
        public Tensor any() => _any.Unary(this);
        public Tensor any(long dim, bool keepdim = false) => _any_dim.Call(this, dim, keepdim);
        private static readonly Op _count_nonzero = new("count_nonzero", "dim_IntList"), _count_nonzero_all = new("count_nonzero");
        public Tensor count_nonzero(long[] dims = null) => dims is null ? _count_nonzero_all.Call(this) : _count_nonzero.Call(this, dims);

        private static readonly Op _std = new("std"), _std_dim = new("std", "dim"), _var = new("var"), _var_dim = new("var", "dim");
        private static readonly Op _std_mean = new("std_mean"), _std_mean_dim = new("std_mean", "dim"), _var_mean = new("var_mean"), _var_mean_dim = new("var_mean", "dim");
        public Tensor std(bool unbiased = true) => _std.Call(this, unbiased);
        public Tensor std(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => Typed(_std_dim, dimensions, unbiased, keepdim, type);
        public Tensor std(ReadOnlySpan<long> dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std(dimensions.ToArray(), unbiased, keepdim, type);
        public Tensor std(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std([dim], unbiased, keepdim, type);
        public Tensor std((long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std([dim.Item1, dim.Item2], unbiased, keepdim, type);
        public Tensor std((long, long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std([dim.Item1, dim.Item2, dim.Item3], unbiased, keepdim, type);
        public Tensor var(bool unbiased = true) => _var.Call(this, unbiased);
        public Tensor var(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => Typed(_var_dim, dimensions, unbiased, keepdim, type);
        public Tensor var(ReadOnlySpan<long> dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var(dimensions.ToArray(), unbiased, keepdim, type);
        public Tensor var(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var([dim], unbiased, keepdim, type);
        public Tensor var((long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var([dim.Item1, dim.Item2], unbiased, keepdim, type);
        public Tensor var((long, long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var([dim.Item1, dim.Item2, dim.Item3], unbiased, keepdim, type);
        public (Tensor std, Tensor mean) std_mean(bool unbiased = true) => _std_mean.Call2(this, unbiased);
        public (Tensor std, Tensor mean) std_mean(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => Typed2(_std_mean_dim, dimensions, unbiased, keepdim, type);
        public (Tensor std, Tensor mean) std_mean(ReadOnlySpan<long> dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std_mean(dimensions.ToArray(), unbiased, keepdim, type);
        public (Tensor std, Tensor mean) std_mean(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std_mean([dim], unbiased, keepdim, type);
        public (Tensor std, Tensor mean) std_mean((long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std_mean([dim.Item1, dim.Item2], unbiased, keepdim, type);
        public (Tensor std, Tensor mean) std_mean((long, long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => std_mean([dim.Item1, dim.Item2, dim.Item3], unbiased, keepdim, type);
        public (Tensor var, Tensor mean) var_mean(bool unbiased = true) => _var_mean.Call2(this, unbiased);
        public (Tensor std, Tensor mean) var_mean(long[] dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => Typed2(_var_mean_dim, dimensions, unbiased, keepdim, type);
        public (Tensor std, Tensor mean) var_mean(ReadOnlySpan<long> dimensions, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var_mean(dimensions.ToArray(), unbiased, keepdim, type);
        public (Tensor var, Tensor mean) var_mean(long dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var_mean([dim], unbiased, keepdim, type);
        public (Tensor var, Tensor mean) var_mean((long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var_mean([dim.Item1, dim.Item2], unbiased, keepdim, type);
        public (Tensor var, Tensor mean) var_mean((long, long, long) dim, bool unbiased = true, bool keepdim = false, ScalarType? type = null) => var_mean([dim.Item1, dim.Item2, dim.Item3], unbiased, keepdim, type);

        private static readonly Op _norm = new("norm", "Scalar"), _norm_dim = new("norm", "ScalarOpt_dim");
        public Tensor norm(float p = 2f) => _norm.Call(this, p);
        public Tensor norm(int dim, bool keepdim = false, float p = 2f) => _norm_dim.Call(this, p, dim, keepdim);
        private static readonly Op _dist = new("dist"); public Tensor dist(Tensor other, float p = 2f) => _dist.Call(this, other, p);
        private static readonly Op _renorm = new("renorm"); public Tensor renorm(float p, long dim, float maxnorm) => _renorm.Call(this, p, dim, maxnorm);
        private static readonly Op _trace = new("trace"); public Tensor trace() => _trace.Unary(this);

        private static Tensor Into(Tensor target, Tensor result)
        {
            if (target is null)
                return result;
            using (result)
            {
                target.set_(result);
                return target;
            }
        }

        private Tensor Typed(Op op, long[] dims, bool unbiased, bool keepdim, ScalarType? type)
        {
            using Tensor input = type is { } wanted ? to_type(wanted) : alias();
            return op.Call(input, dims, unbiased, keepdim);
        }

        private (Tensor, Tensor) Typed2(Op op, long[] dims, bool unbiased, bool keepdim, ScalarType? type)
        {
            using Tensor input = type is { } wanted ? to_type(wanted) : alias();
            return op.Call2(input, dims, unbiased, keepdim);
        }
    }
}
