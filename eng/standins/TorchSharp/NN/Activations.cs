using TorchSharp.Modules;
using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace TorchSharp.Modules
{
    /// <summary>max(x, 0).</summary>
    public sealed class ReLU : Module<Tensor, Tensor>
    {
        private readonly bool _inplace;

        internal ReLU(bool inplace) : base(nameof(ReLU))
        {
            _inplace = inplace;
        }

        public override Tensor forward(Tensor tensor) => functional.relu(tensor, _inplace);
    }

    /// <summary>Gaussian error linear unit, exact (erf).</summary>
    public sealed class GELU : Module<Tensor, Tensor>
    {
        internal GELU() : base(nameof(GELU))
        {
        }

        public override Tensor forward(Tensor tensor) => functional.gelu(tensor);
    }

    /// <summary>x · sigmoid(x).</summary>
    public sealed class SiLU : Module<Tensor, Tensor>
    {
        internal SiLU() : base(nameof(SiLU))
        {
        }

        public override string GetName() => nameof(SiLU);

        public override Tensor forward(Tensor tensor) => functional.silu(tensor);
    }

    /// <summary>Hyperbolic tangent.</summary>
    public sealed class Tanh : Module<Tensor, Tensor>
    {
        internal Tanh() : base(nameof(Tanh))
        {
        }

        public override string GetName() => nameof(Tanh);

        public override Tensor forward(Tensor tensor) => functional.tanh(tensor);
    }

    /// <summary>1 / (1 + exp(-x)).</summary>
    public sealed class Sigmoid : Module<Tensor, Tensor>
    {
        internal Sigmoid() : base(nameof(Sigmoid))
        {
        }

        public override Tensor forward(Tensor tensor) => functional.sigmoid(tensor);
    }

    /// <summary>log(sigmoid(x)).</summary>
    public sealed class LogSigmoid : Module<Tensor, Tensor>
    {
        internal LogSigmoid() : base(nameof(LogSigmoid))
        {
        }

        public override Tensor forward(Tensor tensor) => functional.logsigmoid(tensor);
    }

    /// <summary>log(1 + exp(beta · x)) / beta, linear above the threshold.</summary>
    public sealed class Softplus : Module<Tensor, Tensor>
    {
        private readonly double _beta;
        private readonly double _threshold;

        internal Softplus(double beta, double threshold) : base(nameof(Softplus))
        {
            _beta = beta;
            _threshold = threshold;
        }

        public override Tensor forward(Tensor tensor) => functional.softplus(tensor, _beta, _threshold);
    }

    /// <summary>x above 0, alpha · (exp(x) - 1) below.</summary>
    public sealed class ELU : Module<Tensor, Tensor>
    {
        private readonly double _alpha;
        private readonly bool _inplace;

        internal ELU(double alpha, bool inplace) : base(nameof(ELU))
        {
            _alpha = alpha;
            _inplace = inplace;
        }

        public override Tensor forward(Tensor tensor) => functional.elu(tensor, _alpha, _inplace);
    }

    /// <summary>x above 0, slope · x below.</summary>
    public sealed class LeakyReLU : Module<Tensor, Tensor>
    {
        private readonly double _negative_slope;
        private readonly bool _inplace;

        internal LeakyReLU(double negative_slope, bool inplace) : base(nameof(LeakyReLU))
        {
            _negative_slope = negative_slope;
            _inplace = inplace;
        }

        public override Tensor forward(Tensor tensor) => functional.leaky_relu(tensor, _negative_slope, _inplace);
    }

    /// <summary>Probabilities along a dimension.</summary>
    public sealed class Softmax : Module<Tensor, Tensor>
    {
        private readonly long _dim;

        internal Softmax(long dim) : base(nameof(Softmax))
        {
            _dim = dim;
        }

        public override Tensor forward(Tensor tensor) => functional.softmax(tensor, _dim);
    }

    /// <summary>Log-probabilities along a dimension.</summary>
    public sealed class LogSoftmax : Module<Tensor, Tensor>
    {
        private readonly long _dim;

        internal LogSoftmax(long dim) : base(nameof(LogSoftmax))
        {
            _dim = dim;
        }

        public override Tensor forward(Tensor tensor) => functional.log_softmax(tensor, _dim);
    }
}

namespace TorchSharp
{
    public static partial class torch
    {
        public static partial class nn
        {
            public static ReLU ReLU(bool inplace = false) => new(inplace);

            public static GELU GELU() => new();

            public static SiLU SiLU() => new();

            public static Tanh Tanh() => new();

            public static Sigmoid Sigmoid() => new();

            public static LogSigmoid LogSigmoid() => new();

            public static Softplus Softplus(double beta = 1, double threshold = 20) => new(beta, threshold);

            public static ELU ELU(double alpha = 1, bool inplace = false) => new(alpha, inplace);

            public static LeakyReLU LeakyReLU(double negative_slope = 0.01, bool inplace = false) => new(negative_slope, inplace);

            public static Softmax Softmax(long dim) => new(dim);

            public static LogSoftmax LogSoftmax(long dim) => new(dim);
        }
    }
}
