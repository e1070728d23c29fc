namespace TorchSharp;

public static partial class torch
{
    /// <summary>Products of vectors and matrices.</summary>
    public partial class Tensor
    {
        private static readonly Op _matmul = new("matmul"); public Tensor matmul(Tensor target) => _matmul.Binary(this, target);
        private static readonly Op _mm = new("mm"); public Tensor mm(Tensor target) => _mm.Binary(this, target);
        private static readonly Op _bmm = new("bmm"); public Tensor bmm(Tensor batch2) => _bmm.Binary(this, batch2);
        private static readonly Op _mv = new("mv"); public Tensor mv(Tensor target) => _mv.Binary(this, target);
        private static readonly Op _dot = new("dot"); public Tensor dot(Tensor target) => _dot.Binary(this, target);
        private static readonly Op _vdot = new("vdot"); public Tensor vdot(Tensor target) => _vdot.Binary(this, target);
        private static readonly Op _inner = new("inner"); public Tensor inner(Tensor vec2) => _inner.Binary(this, vec2);
        private static readonly Op _outer = new("outer"); public Tensor outer(Tensor vec2) => _outer.Binary(this, vec2);
        public Tensor ger(Tensor vec2) => outer(vec2);
        private static readonly Op _kron = new("kron"); public Tensor kron(Tensor other) => _kron.Binary(this, other);
        private static readonly Op _addmm = new("addmm"); public Tensor addmm(Tensor mat1, Tensor mat2, float beta = 1f, float alpha = 1f) => _addmm.Call(this, mat1, mat2, beta, alpha);
        private static readonly Op _addmm_ = new("addmm_"); public Tensor addmm_(Tensor mat1, Tensor mat2, float beta = 1f, float alpha = 1f) => Change(_addmm_, this, mat1, mat2, beta, alpha);
        private static readonly Op _addmv = new("addmv"); public Tensor addmv(Tensor mat, Tensor vec, float beta = 1f, float alpha = 1f) => _addmv.Call(this, mat, vec, beta, alpha);
        private static readonly Op _addmv_ = new("addmv_"); public Tensor addmv_(Tensor mat, Tensor vec, float beta = 1f, float alpha = 1f) => Change(_addmv_, this, mat, vec, beta, alpha);
        private static readonly Op _addr = new("addr"); public Tensor addr(Tensor vec1, Tensor vec2, float beta = 1f, float alpha = 1f) => _addr.Call(this, vec1, vec2, beta, alpha);
        private static readonly Op _addr_ = new("addr_"); public Tensor addr_(Tensor vec1, Tensor vec2, float beta = 1f, float alpha = 1f) => Change(_addr_, this, vec1, vec2, beta, alpha);
        private static readonly Op _addbmm = new("addbmm"); public Tensor addbmm(Tensor batch1, Tensor batch2, float beta = 1f, float alpha = 1f) => _addbmm.Call(this, batch1, batch2, beta, alpha);
        private static readonly Op _addbmm_ = new("addbmm_"); public Tensor addbmm_(Tensor batch1, Tensor batch2, float beta = 1f, float alpha = 1f) => Change(_addbmm_, this, batch1, batch2, beta, alpha);
        private static readonly Op _baddbmm = new("baddbmm"); public Tensor baddbmm(Tensor batch1, Tensor batch2, float beta = 1f, float alpha = 1f) => _baddbmm.Call(this, batch1, batch2, beta, alpha);
        private static readonly Op _tensordot = new("tensordot"); public Tensor tensordot(Tensor b, long[] dims1, long[] dims2) => _tensordot.Call(this, b, dims1, dims2);
        public Tensor tensordot(Tensor b, (long, long)[] dims) => tensordot(b, Array.ConvertAll(dims, d => d.Item1), Array.ConvertAll(dims, d => d.Item2));
        public Tensor tensordot(Tensor b, long dims = 2)
        {
            long[] last = new long[dims], first = new long[dims];
            for (long k = 0; k < dims; k++)
                (last[k], first[k]) = (k - dims, k);
            return tensordot(b, last, first);
        }
        private static readonly Op _matrix_power = new("matrix_power"); public Tensor matrix_power(int n) => _matrix_power.Call(this, n);
        private static readonly Op _matrix_exp = new("matrix_exp"); public Tensor matrix_exp() => _matrix_exp.Unary(this);
        private static readonly Op _det = new("det"); public Tensor det() => _det.Unary(this);
        private static readonly Op _logdet = new("logdet"); public Tensor logdet() => _logdet.Unary(this);
    }
}
