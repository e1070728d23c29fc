namespace TorchSharp;

public static partial class torch
{
    /// <summary>One tensor in, one of the same shape out.</summary>
    public partial class Tensor
    {
        private static readonly Op _abs = new("abs"); public Tensor abs() => _abs.Unary(this);
        private static readonly Op _acos = new("acos"); public Tensor acos() => _acos.Unary(this);
        private static readonly Op _acosh = new("acosh"); public Tensor acosh() => _acosh.Unary(this);
        private static readonly Op _asin = new("asin"); public Tensor asin() => _asin.Unary(this);
        private static readonly Op _asinh = new("asinh"); public Tensor asinh() => _asinh.Unary(this);
        private static readonly Op _atan = new("atan"); public Tensor atan() => _atan.Unary(this);
        private static readonly Op _atanh = new("atanh"); public Tensor atanh() => _atanh.Unary(this);
        private static readonly Op _angle = new("angle"); public Tensor angle() => _angle.Unary(this);
        private static readonly Op _bitwise_not = new("bitwise_not"); public Tensor bitwise_not() => _bitwise_not.Unary(this);
        private static readonly Op _ceil = new("ceil"); public Tensor ceil() => _ceil.Unary(this);
        private static readonly Op _conj_physical = new("conj_physical"); public Tensor conj_physical() => _conj_physical.Unary(this);
        private static readonly Op _cos = new("cos"); public Tensor cos() => _cos.Unary(this);
        private static readonly Op _cosh = new("cosh"); public Tensor cosh() => _cosh.Unary(this);
        private static readonly Op _deg2rad = new("deg2rad"); public Tensor deg2rad() => _deg2rad.Unary(this);
        private static readonly Op _digamma = new("digamma"); public Tensor digamma() => _digamma.Unary(this);
        private static readonly Op _erf = new("erf"); public Tensor erf() => _erf.Unary(this);
        private static readonly Op _erfc = new("erfc"); public Tensor erfc() => _erfc.Unary(this);
        private static readonly Op _erfinv = new("erfinv"); public Tensor erfinv() => _erfinv.Unary(this);
        private static readonly Op _exp = new("exp"); public Tensor exp() => _exp.Unary(this);
        private static readonly Op _exp2 = new("exp2"); public Tensor exp2() => _exp2.Unary(this);
        private static readonly Op _expm1 = new("expm1"); public Tensor expm1() => _expm1.Unary(this);
        private static readonly Op _floor = new("floor"); public Tensor floor() => _floor.Unary(this);
        private static readonly Op _frac = new("frac"); public Tensor frac() => _frac.Unary(this);
        private static readonly Op _i0 = new("i0"); public Tensor i0() => _i0.Unary(this);
        private static readonly Op _isfinite = new("isfinite"); public Tensor isfinite() => _isfinite.Unary(this);
        private static readonly Op _isinf = new("isinf"); public Tensor isinf() => _isinf.Unary(this);
        private static readonly Op _isnan = new("isnan"); public Tensor isnan() => _isnan.Unary(this);
        private static readonly Op _isneginf = new("isneginf"); public Tensor isneginf() => _isneginf.Unary(this);
        private static readonly Op _isposinf = new("isposinf"); public Tensor isposinf() => _isposinf.Unary(this);
        private static readonly Op _lgamma = new("lgamma"); public Tensor lgamma() => _lgamma.Unary(this);
        private static readonly Op _log = new("log"); public Tensor log() => _log.Unary(this);
        private static readonly Op _log10 = new("log10"); public Tensor log10() => _log10.Unary(this);
        private static readonly Op _log1p = new("log1p"); public Tensor log1p() => _log1p.Unary(this);
        private static readonly Op _log2 = new("log2"); public Tensor log2() => _log2.Unary(this);
        private static readonly Op _logical_not = new("logical_not"); public Tensor logical_not() => _logical_not.Unary(this);
        private static readonly Op _neg = new("neg"); public Tensor neg() => _neg.Unary(this);
        private static readonly Op _positive = new("positive"); public Tensor positive() => _positive.Unary(this);
        private static readonly Op _rad2deg = new("rad2deg"); public Tensor rad2deg() => _rad2deg.Unary(this);
        private static readonly Op _reciprocal = new("reciprocal"); public Tensor reciprocal() => _reciprocal.Unary(this);
        private static readonly Op _rsqrt = new("rsqrt"); public Tensor rsqrt() => _rsqrt.Unary(this);
        private static readonly Op _sgn = new("sgn"); public Tensor sgn() => _sgn.Unary(this);
        private static readonly Op _sigmoid = new("sigmoid"); public Tensor sigmoid() => _sigmoid.Unary(this);
        private static readonly Op _sign = new("sign"); public Tensor sign() => _sign.Unary(this);
        private static readonly Op _signbit = new("signbit"); public Tensor signbit() => _signbit.Unary(this);
        private static readonly Op _sin = new("sin"); public Tensor sin() => _sin.Unary(this);
        private static readonly Op _sinc = new("sinc"); public Tensor sinc() => _sinc.Unary(this);
        private static readonly Op _sinh = new("sinh"); public Tensor sinh() => _sinh.Unary(this);
        private static readonly Op _sqrt = new("sqrt"); public Tensor sqrt() => _sqrt.Unary(this);
        private static readonly Op _square = new("square"); public Tensor square() => _square.Unary(this);
        private static readonly Op _tan = new("tan"); public Tensor tan() => _tan.Unary(this);
        private static readonly Op _tanh = new("tanh"); public Tensor tanh() => _tanh.Unary(this);
        private static readonly Op _trunc = new("trunc"); public Tensor trunc() => _trunc.Unary(this);
        private static readonly Op _inverse = new("inverse"); public Tensor inverse() => _inverse.Unary(this);

        private static readonly Op _abs_ = new("abs_"); public Tensor abs_() => Change(_abs_, this);
        private static readonly Op _acos_ = new("acos_"); public Tensor acos_() => Change(_acos_, this);
        private static readonly Op _acosh_ = new("acosh_"); public Tensor acosh_() => Change(_acosh_, this);
        private static readonly Op _asin_ = new("asin_"); public Tensor asin_() => Change(_asin_, this);
        private static readonly Op _asinh_ = new("asinh_"); public Tensor asinh_() => Change(_asinh_, this);
        private static readonly Op _atan_ = new("atan_"); public Tensor atan_() => Change(_atan_, this);
        private static readonly Op _atanh_ = new("atanh_"); public Tensor atanh_() => Change(_atanh_, this);
        private static readonly Op _bitwise_not_ = new("bitwise_not_"); public Tensor bitwise_not_() => Change(_bitwise_not_, this);
        private static readonly Op _ceil_ = new("ceil_"); public Tensor ceil_() => Change(_ceil_, this);
        private static readonly Op _conj_physical_ = new("conj_physical_"); public Tensor conj_physical_() => Change(_conj_physical_, this);
        private static readonly Op _cos_ = new("cos_"); public Tensor cos_() => Change(_cos_, this);
        private static readonly Op _cosh_ = new("cosh_"); public Tensor cosh_() => Change(_cosh_, this);
        private static readonly Op _digamma_ = new("digamma_"); public Tensor digamma_() => Change(_digamma_, this);
        private static readonly Op _erf_ = new("erf_"); public Tensor erf_() => Change(_erf_, this);
        private static readonly Op _erfc_ = new("erfc_"); public Tensor erfc_() => Change(_erfc_, this);
        private static readonly Op _erfinv_ = new("erfinv_"); public Tensor erfinv_() => Change(_erfinv_, this);
        private static readonly Op _exp_ = new("exp_"); public Tensor exp_() => Change(_exp_, this);
        private static readonly Op _expm1_ = new("expm1_"); public Tensor expm1_() => Change(_expm1_, this);
        private static readonly Op _floor_ = new("floor_"); public Tensor floor_() => Change(_floor_, this);
        private static readonly Op _frac_ = new("frac_"); public Tensor frac_() => Change(_frac_, this);
        private static readonly Op _lgamma_ = new("lgamma_"); public Tensor lgamma_() => Change(_lgamma_, this);
        private static readonly Op _log_ = new("log_"); public Tensor log_() => Change(_log_, this);
        private static readonly Op _log10_ = new("log10_"); public Tensor log10_() => Change(_log10_, this);
        private static readonly Op _log1p_ = new("log1p_"); public Tensor log1p_() => Change(_log1p_, this);
        private static readonly Op _log2_ = new("log2_"); public Tensor log2_() => Change(_log2_, this);
        private static readonly Op _logical_not_ = new("logical_not_"); public Tensor logical_not_() => Change(_logical_not_, this);
        private static readonly Op _neg_ = new("neg_"); public Tensor neg_() => Change(_neg_, this);
        private static readonly Op _reciprocal_ = new("reciprocal_"); public Tensor reciprocal_() => Change(_reciprocal_, this);
        private static readonly Op _rsqrt_ = new("rsqrt_"); public Tensor rsqrt_() => Change(_rsqrt_, this);
        private static readonly Op _sgn_ = new("sgn_"); public Tensor sgn_() => Change(_sgn_, this);
        private static readonly Op _sigmoid_ = new("sigmoid_"); public Tensor sigmoid_() => Change(_sigmoid_, this);
        private static readonly Op _sign_ = new("sign_"); public Tensor sign_() => Change(_sign_, this);
        private static readonly Op _sin_ = new("sin_"); public Tensor sin_() => Change(_sin_, this);
        private static readonly Op _sinc_ = new("sinc_"); public Tensor sinc_() => Change(_sinc_, this);
        private static readonly Op _sinh_ = new("sinh_"); public Tensor sinh_() => Change(_sinh_, this);
        private static readonly Op _sqrt_ = new("sqrt_"); public Tensor sqrt_() => Change(_sqrt_, this);
        private static readonly Op _tan_ = new("tan_"); public Tensor tan_() => Change(_tan_, this);
        private static readonly Op _tanh_ = new("tanh_"); public Tensor tanh_() => Change(_tanh_, this);
        private static readonly Op _trunc_ = new("trunc_"); public Tensor trunc_() => Change(_trunc_, this);
        private static readonly Op _relu_ = new("relu_"); public Tensor relu_() => Change(_relu_, this);
        private static readonly Op _silu_ = new("silu_"); public Tensor silu_() => Change(_silu_, this);
        private static readonly Op _zero_ = new("zero_"); public Tensor zero_() => Change(_zero_, this).Share(); // a new reference, unlike the other in-place variants
        private static readonly Op _selu_ = new("selu_"); public Tensor selu_() => Change(_selu_, this);
        private static readonly Op _relu6_ = new("relu6_"); public Tensor relu6_() => Change(_relu6_, this);
        private static readonly Op _hardsigmoid_ = new("hardsigmoid_"); public Tensor hardsigmoid_() => Change(_hardsigmoid_, this);
        private static readonly Op _hardswish_ = new("hardswish_"); public Tensor hardswish_() => Change(_hardswish_, this);
        private static readonly Op _celu_ = new("celu_"); public Tensor celu_() => Change(_celu_, this);

        public Tensor absolute() => abs();
        public Tensor absolute_() => abs_();
        public Tensor arccos() => acos();
        public Tensor arccos_() => acos_();
        public Tensor arccosh() => acosh();
        public Tensor arccosh_() => acosh_();
        public Tensor arcsin() => asin();
        public Tensor arcsin_() => asin_();
        public Tensor arcsinh() => asinh();
        public Tensor arcsinh_() => asinh_();
        public Tensor arctan() => atan();
        public Tensor arctan_() => atan_();
        public Tensor arctanh() => atanh();
        public Tensor arctanh_() => atanh_();
        public Tensor negative() => neg();
        public Tensor fix() => trunc();
        public Tensor fix_() => trunc_();

        /// <summary>Calls an in-place operator, whose first argument is this tensor.</summary>
        private Tensor Change(Op op, params ReadOnlySpan<Arg> args)
        {
            op.Run(args);
            return this;
        }
    }
}
