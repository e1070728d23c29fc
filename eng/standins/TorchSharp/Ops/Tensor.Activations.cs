namespace TorchSharp;

public static partial class torch
{
    /// <summary>Activations and normalised exponentials.</summary>
    public partial class Tensor
    {
        private static readonly Op _softmax = new("softmax", "int"); public Tensor softmax(long dim, ScalarType? dtype = null) => _softmax.Call(this, dim, dtype);
        private static readonly Op _log_softmax = new("log_softmax", "int"); public Tensor log_softmax(long dim, ScalarType? dtype = null) => _log_softmax.Call(this, dim, dtype);
        private static readonly Op _log_sigmoid = new("log_sigmoid"); public Tensor log_sigmoid() => _log_sigmoid.Unary(this);
        private static readonly Op _relu = new("relu"); public Tensor relu() => _relu.Unary(this);
        private static readonly Op _relu6 = new("relu6"); public Tensor relu6() => _relu6.Unary(this);
        private static readonly Op _gelu = new("gelu"); public Tensor gelu() => _gelu.Unary(this);
        private static readonly Op _silu = new("silu"); public Tensor silu() => _silu.Unary(this);
        private static readonly Op _selu = new("selu"); public Tensor selu() => _selu.Unary(this);
        private static readonly Op _celu = new("celu"); public Tensor celu() => _celu.Unary(this);
        private static readonly Op _elu = new("elu"); public Tensor elu(Scalar alpha, Scalar scale, Scalar input_scale) => _elu.Call(this, alpha, scale, input_scale);
        private static readonly Op _elu_ = new("elu_"); public Tensor elu_(Scalar alpha, Scalar scale, Scalar input_scale) => Change(_elu_, this, alpha, scale, input_scale);
        private static readonly Op _hardsigmoid = new("hardsigmoid"); public Tensor hardsigmoid() => _hardsigmoid.Unary(this);
        private static readonly Op _hardswish = new("hardswish"); public Tensor hardswish() => _hardswish.Unary(this);
        private static readonly Op _hardtanh = new("hardtanh"); public Tensor hardtanh(Scalar min, Scalar max) => _hardtanh.Call(this, min, max);
        private static readonly Op _hardtanh_ = new("hardtanh_"); public Tensor hardtanh_(Scalar min, Scalar max) => Change(_hardtanh_, this, min, max);
        private static readonly Op _leaky_relu = new("leaky_relu"); public Tensor leaky_relu(Scalar negative_slope) => _leaky_relu.Call(this, negative_slope);
        private static readonly Op _leaky_relu_ = new("leaky_relu_"); public Tensor leaky_relu_(Scalar negative_slope) => Change(_leaky_relu_, this, negative_slope);
        private static readonly Op _prelu = new("prelu"); public Tensor prelu(Tensor target) => _prelu.Binary(this, target);
    }
}
