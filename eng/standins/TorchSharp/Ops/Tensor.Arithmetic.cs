namespace TorchSharp;

public static partial class torch
{
    /// <summary>Two operands: arithmetic, comparison, logic.</summary>
    public partial class Tensor
    {
        private static readonly Op _maximum = new("maximum"); public Tensor maximum(Tensor other) => _maximum.Binary(this, other);
        private static readonly Op _minimum = new("minimum"); public Tensor minimum(Tensor other) => _minimum.Binary(this, other);
        private static readonly Op _fmax = new("fmax"); public Tensor fmax(Tensor other) => _fmax.Binary(this, other);
        private static readonly Op _fmin = new("fmin"); public Tensor fmin(Tensor other) => _fmin.Binary(this, other);
        private static readonly Op _atan2 = new("atan2"); public Tensor atan2(Tensor other) => _atan2.Binary(this, other);
        private static readonly Op _atan2_ = new("atan2_"); public Tensor atan2_(Tensor other) => Change(_atan2_, this, other);
        private static readonly Op _copysign = new("copysign"); public Tensor copysign(Tensor other) => _copysign.Binary(this, other);
        private static readonly Op _gcd = new("gcd"); public Tensor gcd(Tensor other) => _gcd.Binary(this, other);
        private static readonly Op _gcd_ = new("gcd_"); public Tensor gcd_(Tensor other) => Change(_gcd_, this, other);
        private static readonly Op _lcm = new("lcm"); public Tensor lcm(Tensor other) => _lcm.Binary(this, other);
        private static readonly Op _lcm_ = new("lcm_"); public Tensor lcm_(Tensor other) => Change(_lcm_, this, other);
        private static readonly Op _heaviside = new("heaviside"); public Tensor heaviside(Tensor other) => _heaviside.Binary(this, other);
        private static readonly Op _hypot = new("hypot"); public Tensor hypot(Tensor other) => _hypot.Binary(this, other);
        private static readonly Op _igamma = new("igamma"); public Tensor igamma(Tensor other) => _igamma.Binary(this, other);
        private static readonly Op _igammac = new("igammac"); public Tensor igammac(Tensor other) => _igammac.Binary(this, other);
        private static readonly Op _logaddexp = new("logaddexp"); public Tensor logaddexp(Tensor other) => _logaddexp.Binary(this, other);
        private static readonly Op _logaddexp2 = new("logaddexp2"); public Tensor logaddexp2(Tensor other) => _logaddexp2.Binary(this, other);
        private static readonly Op _nextafter = new("nextafter"); public Tensor nextafter(Tensor other) => _nextafter.Binary(this, other);
        private static readonly Op _ldexp_Tensor = new("ldexp", "Tensor"); public Tensor ldexp(Tensor other) => _ldexp_Tensor.Binary(this, other);
        private static readonly Op _ldexp__Tensor = new("ldexp_", "Tensor"); public Tensor ldexp_(Tensor other) => Change(_ldexp__Tensor, this, other);
        private static readonly Op _logical_and = new("logical_and"); public Tensor logical_and(Tensor other) => _logical_and.Binary(this, other);
        private static readonly Op _logical_and_ = new("logical_and_"); public Tensor logical_and_(Tensor other) => Change(_logical_and_, this, other);
        private static readonly Op _logical_or = new("logical_or"); public Tensor logical_or(Tensor other) => _logical_or.Binary(this, other);
        private static readonly Op _logical_or_ = new("logical_or_"); public Tensor logical_or_(Tensor other) => Change(_logical_or_, this, other);
        private static readonly Op _logical_xor = new("logical_xor"); public Tensor logical_xor(Tensor other) => _logical_xor.Binary(this, other);
        private static readonly Op _logical_xor_ = new("logical_xor_"); public Tensor logical_xor_(Tensor other) => Change(_logical_xor_, this, other);
        private static readonly Op _bitwise_and_Tensor = new("bitwise_and", "Tensor"); public Tensor bitwise_and(Tensor other) => _bitwise_and_Tensor.Binary(this, other);
        private static readonly Op _bitwise_and__Tensor = new("bitwise_and_", "Tensor"); public Tensor bitwise_and_(Tensor other) => Change(_bitwise_and__Tensor, this, other);
        private static readonly Op _bitwise_or_Tensor = new("bitwise_or", "Tensor"); public Tensor bitwise_or(Tensor other) => _bitwise_or_Tensor.Binary(this, other);
        private static readonly Op _bitwise_or__Tensor = new("bitwise_or_", "Tensor"); public Tensor bitwise_or_(Tensor other) => Change(_bitwise_or__Tensor, this, other);
        private static readonly Op _bitwise_xor_Tensor = new("bitwise_xor", "Tensor"); public Tensor bitwise_xor(Tensor other) => _bitwise_xor_Tensor.Binary(this, other);
        private static readonly Op _bitwise_xor__Tensor = new("bitwise_xor_", "Tensor"); public Tensor bitwise_xor_(Tensor other) => Change(_bitwise_xor__Tensor, this, other);
        private static readonly Op _bitwise_left_shift_Tensor = new("bitwise_left_shift", "Tensor"); public Tensor bitwise_left_shift(Tensor other) => _bitwise_left_shift_Tensor.Binary(this, other);
        private static readonly Op _bitwise_left_shift__Tensor = new("bitwise_left_shift_", "Tensor"); public Tensor bitwise_left_shift_(Tensor other) => Change(_bitwise_left_shift__Tensor, this, other);
        private static readonly Op _bitwise_right_shift_Tensor = new("bitwise_right_shift", "Tensor"); public Tensor bitwise_right_shift(Tensor other) => _bitwise_right_shift_Tensor.Binary(this, other);
        private static readonly Op _bitwise_right_shift__Tensor = new("bitwise_right_shift_", "Tensor"); public Tensor bitwise_right_shift_(Tensor other) => Change(_bitwise_right_shift__Tensor, this, other);

        public Tensor arctan(Tensor other) => atan2(other);
        public Tensor arctan_(Tensor other) => atan2_(other);
        public Tensor arctan2(Tensor other) => atan2(other);
        public Tensor arctan2_(Tensor other) => atan2_(other);

        private static readonly Op _eq_Tensor = new("eq", "Tensor"); public Tensor eq(Tensor target) => _eq_Tensor.Binary(this, target);
        private static readonly Op _eq_Scalar = new("eq", "Scalar"); public Tensor eq(Scalar target) => _eq_Scalar.Call(this, target);
        private static readonly Op _eq__Tensor = new("eq_", "Tensor"); public Tensor eq_(Tensor target) => Change(_eq__Tensor, this, target);
        private static readonly Op _eq__Scalar = new("eq_", "Scalar"); public Tensor eq_(Scalar target) => Change(_eq__Scalar, this, target);
        private static readonly Op _ne_Tensor = new("ne", "Tensor"); public Tensor ne(Tensor target) => _ne_Tensor.Binary(this, target);
        private static readonly Op _ne_Scalar = new("ne", "Scalar"); public Tensor ne(Scalar target) => _ne_Scalar.Call(this, target);
        private static readonly Op _ne__Tensor = new("ne_", "Tensor"); public Tensor ne_(Tensor target) => Change(_ne__Tensor, this, target);
        private static readonly Op _ne__Scalar = new("ne_", "Scalar"); public Tensor ne_(Scalar target) => Change(_ne__Scalar, this, target);
        private static readonly Op _lt_Tensor = new("lt", "Tensor"); public Tensor lt(Tensor target) => _lt_Tensor.Binary(this, target);
        private static readonly Op _lt_Scalar = new("lt", "Scalar"); public Tensor lt(Scalar target) => _lt_Scalar.Call(this, target);
        private static readonly Op _lt__Tensor = new("lt_", "Tensor"); public Tensor lt_(Tensor target) => Change(_lt__Tensor, this, target);
        private static readonly Op _lt__Scalar = new("lt_", "Scalar"); public Tensor lt_(Scalar target) => Change(_lt__Scalar, this, target);
        private static readonly Op _le_Tensor = new("le", "Tensor"); public Tensor le(Tensor target) => _le_Tensor.Binary(this, target);
        private static readonly Op _le_Scalar = new("le", "Scalar"); public Tensor le(Scalar target) => _le_Scalar.Call(this, target);
        private static readonly Op _le__Tensor = new("le_", "Tensor"); public Tensor le_(Tensor target) => Change(_le__Tensor, this, target);
        private static readonly Op _le__Scalar = new("le_", "Scalar"); public Tensor le_(Scalar target) => Change(_le__Scalar, this, target);
        private static readonly Op _gt_Tensor = new("gt", "Tensor"); public Tensor gt(Tensor target) => _gt_Tensor.Binary(this, target);
        private static readonly Op _gt_Scalar = new("gt", "Scalar"); public Tensor gt(Scalar target) => _gt_Scalar.Call(this, target);
        private static readonly Op _gt__Tensor = new("gt_", "Tensor"); public Tensor gt_(Tensor target) => Change(_gt__Tensor, this, target);
        private static readonly Op _gt__Scalar = new("gt_", "Scalar"); public Tensor gt_(Scalar target) => Change(_gt__Scalar, this, target);
        private static readonly Op _ge_Tensor = new("ge", "Tensor"); public Tensor ge(Tensor target) => _ge_Tensor.Binary(this, target);
        private static readonly Op _ge_Scalar = new("ge", "Scalar"); public Tensor ge(Scalar target) => _ge_Scalar.Call(this, target);
        private static readonly Op _ge__Tensor = new("ge_", "Tensor"); public Tensor ge_(Tensor target) => Change(_ge__Tensor, this, target);
        private static readonly Op _ge__Scalar = new("ge_", "Scalar"); public Tensor ge_(Scalar target) => Change(_ge__Scalar, this, target);

        public Tensor greater(Tensor target) => gt(target);
        public Tensor greater_equal(Tensor target) => ge(target);
        public Tensor less(Tensor target) => lt(target);
        public Tensor less_equal(Tensor target) => le(target);
        public Tensor less_equal_(Tensor target) => le_(target);
        public Tensor not_equal(Tensor target) => ne(target);
        public Tensor not_equal_(Tensor target) => ne_(target);

        private static readonly Op _mul_Tensor = new("mul", "Tensor"); public Tensor mul(Tensor target) => _mul_Tensor.Binary(this, target);
        private static readonly Op _mul_Scalar = new("mul", "Scalar"); public Tensor mul(Scalar target) => _mul_Scalar.Call(this, target);
        private static readonly Op _mul__Tensor = new("mul_", "Tensor"); public Tensor mul_(Tensor target) => Change(_mul__Tensor, this, target);
        private static readonly Op _mul__Scalar = new("mul_", "Scalar"); public Tensor mul_(Scalar target) => Change(_mul__Scalar, this, target);
        private static readonly Op _sub_Tensor = new("sub", "Tensor"); public Tensor sub(Tensor target) => _sub_Tensor.Binary(this, target);
        private static readonly Op _sub_Scalar = new("sub", "Scalar"); public Tensor sub(Scalar target) => _sub_Scalar.Call(this, target);
        private static readonly Op _sub__Tensor = new("sub_", "Tensor"); public Tensor sub_(Tensor target) => Change(_sub__Tensor, this, target);
        private static readonly Op _sub__Scalar = new("sub_", "Scalar"); public Tensor sub_(Scalar target) => Change(_sub__Scalar, this, target);
        private static readonly Op _add_Tensor = new("add", "Tensor"); public Tensor add(Tensor target) => _add_Tensor.Binary(this, target);
        public Tensor add(Tensor target, Scalar alpha) => _add_Tensor.Call(this, target, alpha);
        private static readonly Op _add_Scalar = new("add", "Scalar"); public Tensor add(Scalar scalar) => _add_Scalar.Call(this, scalar);
        public Tensor add(Scalar scalar, Scalar alpha) => _add_Scalar.Call(this, scalar, alpha);
        private static readonly Op _pow_Tensor_Tensor = new("pow", "Tensor_Tensor"); public Tensor pow(Tensor exponent) => _pow_Tensor_Tensor.Binary(this, exponent);
        private static readonly Op _pow_Tensor_Scalar = new("pow", "Tensor_Scalar"); public Tensor pow(Scalar exponent) => _pow_Tensor_Scalar.Call(this, exponent);
        private static readonly Op _fmod_Tensor = new("fmod", "Tensor"); public Tensor fmod(Tensor target) => _fmod_Tensor.Binary(this, target);
        private static readonly Op _fmod_Scalar = new("fmod", "Scalar"); public Tensor fmod(Scalar scalar) => _fmod_Scalar.Call(this, scalar);
        private static readonly Op _remainder_Tensor = new("remainder", "Tensor"); public Tensor remainder(Tensor target) => _remainder_Tensor.Binary(this, target);
        private static readonly Op _remainder_Scalar = new("remainder", "Scalar"); public Tensor remainder(Scalar scalar) => _remainder_Scalar.Call(this, scalar);
        private static readonly Op _floor_divide = new("floor_divide"); public Tensor floor_divide(Tensor other) => _floor_divide.Binary(this, other);
        private static readonly Op _floor_divide_Scalar = new("floor_divide", "Scalar"); public Tensor floor_divide(Scalar other) => _floor_divide_Scalar.Call(this, other);
        private static readonly Op _true_divide_Tensor = new("true_divide", "Tensor"); public Tensor true_divide(Tensor other) => _true_divide_Tensor.Binary(this, other);
        private static readonly Op _true_divide_Scalar = new("true_divide", "Scalar"); public Tensor true_divide(Scalar other) => _true_divide_Scalar.Call(this, other);
        private static readonly Op _div_Tensor_mode = new("div", "Tensor_mode"); public Tensor div(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => _div_Tensor_mode.Call(this, target, Rounding(rounding_mode));
        private static readonly Op _div_Scalar_mode = new("div", "Scalar_mode"); public Tensor div(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => _div_Scalar_mode.Call(this, target, Rounding(rounding_mode));
        public Tensor divide(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => div(target, rounding_mode);
        public Tensor divide(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => div(target, rounding_mode);
        public Tensor subtract(Tensor target) => sub(target);
        public Tensor subtract(Scalar target) => sub(target);
        private static readonly Op _xlogy_Tensor = new("xlogy", "Tensor"); public Tensor xlogy(Tensor y) => _xlogy_Tensor.Binary(this, y);
        private static readonly Op _xlogy_Scalar_Other = new("xlogy", "Scalar_Other"); public Tensor xlogy(Scalar y) => _xlogy_Scalar_Other.Call(this, y);
        private static readonly Op _addcmul = new("addcmul"); public Tensor addcmul(Tensor tensor1, Tensor tensor2, Scalar value) => _addcmul.Call(this, tensor1, tensor2, value);
        private static readonly Op _addcdiv = new("addcdiv"); public Tensor addcdiv(Tensor tensor1, Tensor tensor2, Scalar value) => _addcdiv.Call(this, tensor1, tensor2, value);
        public Tensor addcdiv(Tensor tensor1, Tensor tensor2) => _addcdiv.Call(this, tensor1, tensor2);
        private static readonly Op _lerp_Tensor = new("lerp", "Tensor"); public Tensor lerp(Tensor end, Tensor weight) => _lerp_Tensor.Call(this, end, weight);
        private static readonly Op _clamp = new("clamp"); public Tensor clamp(Scalar min = null, Scalar max = null) => _clamp.Call(this, min, max);
        private static readonly Op _clamp_Tensor = new("clamp", "Tensor"); public Tensor clamp(Tensor min = null, Tensor max = null) => _clamp_Tensor.Call(this, min, max);
        private static readonly Op _clamp_max = new("clamp_max"); public Tensor clamp_max(Scalar max) => _clamp_max.Call(this, max);
        private static readonly Op _clamp_min = new("clamp_min"); public Tensor clamp_min(Scalar min) => _clamp_min.Call(this, min);
        private static readonly Op _round_decimals = new("round", "decimals"); public Tensor round(long decimals = 0) => _round_decimals.Call(this, decimals);
        private static readonly Op _add__Tensor = new("add_", "Tensor"); public Tensor add_(Tensor target) => Change(_add__Tensor, this, target);
        public Tensor add_(Tensor target, Scalar alpha) => Change(_add__Tensor, this, target, alpha);
        private static readonly Op _add__Scalar = new("add_", "Scalar"); public Tensor add_(Scalar scalar) => Change(_add__Scalar, this, scalar);
        public Tensor add_(Scalar scalar, Scalar alpha) => Change(_add__Scalar, this, scalar, alpha);
        private static readonly Op _pow__Tensor = new("pow_", "Tensor"); public Tensor pow_(Tensor exponent) => Change(_pow__Tensor, this, exponent);
        private static readonly Op _pow__Scalar = new("pow_", "Scalar"); public Tensor pow_(Scalar exponent) => Change(_pow__Scalar, this, exponent);
        private static readonly Op _fmod__Tensor = new("fmod_", "Tensor"); public Tensor fmod_(Tensor target) => Change(_fmod__Tensor, this, target);
        private static readonly Op _fmod__Scalar = new("fmod_", "Scalar"); public Tensor fmod_(Scalar scalar) => Change(_fmod__Scalar, this, scalar);
        private static readonly Op _remainder__Tensor = new("remainder_", "Tensor"); public Tensor remainder_(Tensor target) => Change(_remainder__Tensor, this, target);
        private static readonly Op _remainder__Scalar = new("remainder_", "Scalar"); public Tensor remainder_(Scalar scalar) => Change(_remainder__Scalar, this, scalar);
        private static readonly Op _floor_divide__Tensor = new("floor_divide_", "Tensor"); public Tensor floor_divide_(Tensor other) => Change(_floor_divide__Tensor, this, other);
        private static readonly Op _floor_divide__Scalar = new("floor_divide_", "Scalar"); public Tensor floor_divide_(Scalar other) => Change(_floor_divide__Scalar, this, other);
        private static readonly Op _true_divide__Tensor = new("true_divide_", "Tensor"); public Tensor true_divide_(Tensor other) => Change(_true_divide__Tensor, this, other);
        private static readonly Op _true_divide__Scalar = new("true_divide_", "Scalar"); public Tensor true_divide_(Scalar other) => Change(_true_divide__Scalar, this, other);
        private static readonly Op _div__Tensor_mode = new("div_", "Tensor_mode"); public Tensor div_(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => Change(_div__Tensor_mode, this, target, Rounding(rounding_mode));
        private static readonly Op _div__Scalar_mode = new("div_", "Scalar_mode"); public Tensor div_(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => Change(_div__Scalar_mode, this, target, Rounding(rounding_mode));
        public Tensor divide_(Tensor target, RoundingMode rounding_mode = RoundingMode.None) => div_(target, rounding_mode);
        public Tensor divide_(Scalar target, RoundingMode rounding_mode = RoundingMode.None) => div_(target, rounding_mode);
        public Tensor subtract_(Tensor target) => sub_(target);
        public Tensor subtract_(Scalar target) => sub_(target);
        private static readonly Op _xlogy__Tensor = new("xlogy_", "Tensor"); public Tensor xlogy_(Tensor y) => Change(_xlogy__Tensor, this, y);
        private static readonly Op _xlogy__Scalar_Other = new("xlogy_", "Scalar_Other"); public Tensor xlogy_(Scalar y) => Change(_xlogy__Scalar_Other, this, y);
        private static readonly Op _addcmul_ = new("addcmul_"); public Tensor addcmul_(Tensor tensor1, Tensor tensor2, Scalar value) => Change(_addcmul_, this, tensor1, tensor2, value);
        private static readonly Op _addcdiv_ = new("addcdiv_"); public Tensor addcdiv_(Tensor tensor1, Tensor tensor2, Scalar value) => Change(_addcdiv_, this, tensor1, tensor2, value);
        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2) => Change(_addcdiv_, this, tensor1, tensor2);
        private static readonly Op _lerp__Tensor = new("lerp_", "Tensor"); public Tensor lerp_(Tensor end, Tensor weight) => Change(_lerp__Tensor, this, end, weight);
        private static readonly Op _clamp_ = new("clamp_"); public Tensor clamp_(Scalar min = null, Scalar max = null) => Change(_clamp_, this, min, max);
        private static readonly Op _clamp__Tensor = new("clamp_", "Tensor"); public Tensor clamp_(Tensor min = null, Tensor max = null) => Change(_clamp__Tensor, this, min, max);
        private static readonly Op _clamp_max_ = new("clamp_max_"); public Tensor clamp_max_(Scalar max) => Change(_clamp_max_, this, max);
        private static readonly Op _clamp_min_ = new("clamp_min_"); public Tensor clamp_min_(Scalar min) => Change(_clamp_min_, this, min);
        private static readonly Op _round__decimals = new("round_", "decimals"); public Tensor round_(long decimals = 0) => Change(_round__decimals, this, decimals);
        public Tensor multiply(Tensor target) => mul(target);
        public Tensor multiply(Scalar target) => mul(target);
        public Tensor clip(Scalar min = null, Scalar max = null) => clamp(min, max);
        private static readonly Op _float_power_Tensor_Tensor = new("float_power", "Tensor_Tensor"); public Tensor float_power(Tensor target) => _float_power_Tensor_Tensor.Binary(this, target);
        private static readonly Op _nan_to_num = new("nan_to_num"); public Tensor nan_to_num(double nan = 0, double? posinf = null, double? neginf = null) => _nan_to_num.Call(this, nan, posinf, neginf);
        private static readonly Op _logit = new("logit"); public Tensor logit(double? eps = null) => _logit.Call(this, eps);
        private static readonly Op _fill__Scalar = new("fill_", "Scalar"); public Tensor fill_(Scalar value) => Change(_fill__Scalar, this, value);
        private static readonly Op _isclose = new("isclose"); public Tensor isclose(Tensor other, double rtol = 1E-05, double atol = 1E-08, bool nanEqual = false) => _isclose.Call(this, other, rtol, atol, nanEqual);
        private static readonly Op _allclose = new("allclose"); public bool allclose(Tensor target, double rtol = 1E-05, double atol = 1E-08, bool equal_nan = false) => _allclose.CallBool(this, target, rtol, atol, equal_nan);
        private static readonly Op _isin_Tensor_Tensor = new("isin", "Tensor_Tensor"); public Tensor isin(Tensor test_elements, bool assumeUnique = false, bool invert = false) => _isin_Tensor_Tensor.Call(this, test_elements, assumeUnique, invert);
        private static readonly Op _where_self = new("where", "self"); public Tensor where(Tensor condition, Tensor y) => _where_self.Call(condition, this, y);

        /// <summary>True when both have the same shape and the same values.</summary>
        public bool Equals(Tensor target)
        {
            return _equal.CallBool(this, target);
        }

        private static readonly Op _equal = new("equal");

        /// <summary>Element by element, like <see cref="eq(Tensor)"/>.</summary>
        public Tensor equal(Tensor target) => eq(target);

        public override bool Equals(object obj) => obj is Tensor other && (ReferenceEquals(this, other) || Equals(other));

        public override int GetHashCode() => base.GetHashCode();

        private static string Rounding(RoundingMode mode) => mode == RoundingMode.None ? null : mode.ToString();
    }
}
