namespace TorchSharp;

public static partial class torch
{
    /// <summary>Order, search, statistics of values.</summary>
    public partial class Tensor
    {
        private static readonly Op _sort = new("sort", "stable"); public (Tensor Values, Tensor Indices) sort(long dim = -1, bool descending = false, bool stable = false) => _sort.Call2(this, stable, dim, descending);
        private static readonly Op _argsort = new("argsort"); public Tensor argsort(long dim = -1, bool descending = false) => _argsort.Call(this, dim, descending);
        private static readonly Op _msort = new("msort"); public Tensor msort() => _msort.Unary(this);
        private static readonly Op _topk = new("topk"); public (Tensor values, Tensor indexes) topk(int k, int dim = -1, bool largest = true, bool sorted = true) => _topk.Call2(this, k, dim, largest, sorted);
        private static readonly Op _kthvalue = new("kthvalue"); public (Tensor values, Tensor indices) kthvalue(long k, long? dim, bool keepdim = false) => _kthvalue.Call2(this, k, dim ?? -1, keepdim);
        private static readonly Op _median = new("median"); public Tensor median() => _median.Unary(this);
        private static readonly Op _nanmedian = new("nanmedian"); public Tensor nanmedian() => _nanmedian.Unary(this);
        private static readonly Op _mode = new("mode"); public (Tensor values, Tensor indices) mode(long dim = -1, bool keepdim = false) => _mode.Call2(this, dim, keepdim);
        private static readonly Op _quantile = new("quantile"); public Tensor quantile(Tensor q, long dim = -1, bool keepdim = false) => _quantile.Call(this, q, dim, keepdim);
        private static readonly Op _nanquantile = new("nanquantile"); public Tensor nanquantile(Tensor q, long dim = -1, bool keepdim = false) => _nanquantile.Call(this, q, dim, keepdim);
        private static readonly Op _bincount = new("bincount"); public Tensor bincount(Tensor weights, long minlength = 0) => _bincount.Call(this, weights, minlength);
        private static readonly Op _histc = new("histc"); public Tensor histc(long bins = 100, long min = 0, long max = 0) => _histc.Call(this, bins, min, max);
        private static readonly Op _bucketize = new("bucketize", "Tensor"); public Tensor bucketize(Tensor boundaries, bool outInt32 = false, bool right = false) => _bucketize.Call(this, boundaries, outInt32, right);
        private static readonly Op _diff = new("diff"); public Tensor diff(long n = 1, long dim = -1, Tensor prepend = null, Tensor append = null) => _diff.Call(this, n, dim, prepend, append);
        private static readonly Op _cov = new("cov"); public Tensor cov(long correction = 1, Tensor fweights = null, Tensor aweights = null) => _cov.Call(this, correction, fweights, aweights);
        private static readonly Op _corrcoef = new("corrcoef"); public Tensor corrcoef() => _corrcoef.Unary(this);

        private static readonly Op _unique2 = new("_unique2"), _unique_dim = new("unique_dim"), _unique_consecutive = new("unique_consecutive");
        public (Tensor output, Tensor inverse_indices, Tensor counts) unique(bool sorted = true, bool return_inverse = false, bool return_counts = false, int? dim = null) =>
            Wanted(dim is { } one ? _unique_dim.Call3(this, one, sorted, return_inverse, return_counts) : _unique2.Call3(this, sorted, return_inverse, return_counts), return_inverse, return_counts);
        public (Tensor output, Tensor inverse_indices, Tensor counts) unique_consecutive(bool return_inverse = false, bool return_counts = false, int? dim = null) =>
            Wanted(_unique_consecutive.Call3(this, return_inverse, return_counts, dim is { } one ? one : Arg.None), return_inverse, return_counts);

        private static (Tensor, Tensor, Tensor) Wanted((Tensor All, Tensor Inverse, Tensor Counts) found, bool inverse, bool counts)
        {
            if (!inverse)
                found.Inverse.Dispose();
            if (!counts)
                found.Counts.Dispose();
            return (found.All, inverse ? found.Inverse : null, counts ? found.Counts : null);
        }
    }
}
