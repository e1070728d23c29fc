namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        public static partial class functional
        {
            private static readonly Op Relu = new("relu"), ReluInPlace = new("relu_");
            private static readonly Op Relu6 = new("relu6");
            private static readonly Op Elu = new("elu"), EluInPlace = new("elu_");
            private static readonly Op Celu = new("celu"), CeluInPlace = new("celu_");
            private static readonly Op Selu = new("selu"), SeluInPlace = new("selu_");
            private static readonly Op LeakyRelu = new("leaky_relu"), LeakyReluInPlace = new("leaky_relu_");
            private static readonly Op Prelu = new("prelu");
            private static readonly Op Gelu = new("gelu");
            private static readonly Op Glu = new("glu");
            private static readonly Op Silu = new("silu"), SiluInPlace = new("silu_");
            private static readonly Op Tanh = new("tanh"), TanhInPlace = new("tanh_");
            private static readonly Op Sigmoid = new("sigmoid");
            private static readonly Op LogSigmoid = new("log_sigmoid");
            private static readonly Op HardSigmoid = new("hardsigmoid"), HardSigmoidInPlace = new("hardsigmoid_");
            private static readonly Op HardSwish = new("hardswish"), HardSwishInPlace = new("hardswish_");
            private static readonly Op Softplus = new("softplus");
            private static readonly Op Softmax = new("softmax", "int");
            private static readonly Op LogSoftmax = new("log_softmax", "int");

            public static Tensor relu(Tensor x, bool inplace = false) => (inplace ? ReluInPlace : Relu).Call(x);

            public static Tensor relu6(Tensor x, bool inplace = false) =>
                inplace ? x.clamp_(0, 6).alias() : Relu6.Call(x);

            public static Tensor elu(Tensor x, double alpha, bool inplace = false) => (inplace ? EluInPlace : Elu).Call(x, alpha);

            public static Tensor celu(Tensor x, double alpha, bool inplace = false) => (inplace ? CeluInPlace : Celu).Call(x, alpha);

            public static Tensor selu(Tensor x, bool inplace = false) => (inplace ? SeluInPlace : Selu).Call(x);

            public static Tensor leaky_relu(Tensor input, double negative_slope = 0.01, bool inplace = false) =>
                (inplace ? LeakyReluInPlace : LeakyRelu).Call(input, negative_slope);

            public static Tensor prelu(Tensor input, Tensor weight) => Prelu.Call(input, weight);

            public static Tensor gelu(Tensor x) => Gelu.Call(x);

            public static Tensor glu(Tensor input, long dim = -1) => Glu.Call(input, dim);

            public static Tensor silu(Tensor x, bool inplace = false) => (inplace ? SiluInPlace : Silu).Call(x);

            public static Tensor tanh(Tensor x, bool inplace = false) => (inplace ? TanhInPlace : Tanh).Call(x);

            public static Tensor sigmoid(Tensor x) => Sigmoid.Call(x);

            public static Tensor logsigmoid(Tensor x) => LogSigmoid.Call(x);

            public static Tensor hardsigmoid(Tensor input, bool inplace = false) => (inplace ? HardSigmoidInPlace : HardSigmoid).Call(input);

            public static Tensor hardswish(Tensor input, bool inplace = false) => (inplace ? HardSwishInPlace : HardSwish).Call(input);

            public static Tensor softplus(Tensor x, double beta = 1, double threshold = 20) => Softplus.Call(x, beta, threshold);

            public static Tensor softmax(Tensor input, long dim, ScalarType? dtype = null) => Softmax.Call(input, dim, dtype);

            public static Tensor softmin(Tensor x, long dim)
            {
                using Tensor negative = x.neg();
                return Softmax.Call(negative, dim);
            }

            public static Tensor log_softmax(Tensor x, long dim) => LogSoftmax.Call(x, dim);
        }
    }
}
