namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>Initial values, filled in place without a graph. As in the real package, a passed generator is not used.</summary>
        public static partial class init
        {
            public enum NonlinearityType
            {
                Linear = 0,
                Conv1D = 1,
                Conv2D = 2,
                Conv3D = 3,
                ConvTranspose1D = 4,
                ConvTranspose2D = 5,
                ConvTranspose3D = 6,
                Sigmoid = 7,
                Tanh = 8,
                ReLU = 9,
                LeakyReLU = 10,
            }

            public enum FanInOut
            {
                FanIn = 0,
                FanOut = 1,
            }

            public static double calculate_gain(NonlinearityType nonlinearity, double param = 0.0) => nonlinearity switch
            {
                NonlinearityType.Tanh => 5.0 / 3,
                NonlinearityType.ReLU => Math.Sqrt(2),
                NonlinearityType.LeakyReLU => Math.Sqrt(2 / (1 + (param * param))),
                _ => 1,
            };

            public static (long fanIn, long fanOut) CalculateFanInAndFanOut(Tensor tensor)
            {
                long[] shape = tensor.shape;
                if (shape.Length < 2)
                    throw new ArgumentException("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions");
                long field = shape.Skip(2).Aggregate(1L, (product, size) => product * size);
                return (shape[1] * field, shape[0] * field);
            }

            public static Tensor zeros_(Tensor tensor) => Fill(tensor, t => t.zero_());

            public static Tensor ones_(Tensor tensor) => Fill(tensor, t => t.fill_(1));

            public static Tensor constant_(Tensor tensor, Scalar val) => Fill(tensor, t => t.fill_(val));

            public static Tensor uniform_(Tensor tensor, double low = 0, double high = 1, Generator generator = null) =>
                Fill(tensor, t => t.uniform_(low, high));

            public static Tensor normal_(Tensor tensor, double mean = 0, double std = 1, Generator generator = null) =>
                Fill(tensor, t => t.normal_(mean, std));

            public static Tensor eye_(Tensor tensor) => Fill(tensor, t => t.copy_(eye(t.shape[0], t.shape[1])));

            /// <summary>A convolution that hands each input channel through, as far as there are output channels.</summary>
            public static Tensor dirac_(Tensor tensor)
            {
                long[] shape = tensor.shape;
                if (shape.Length is < 3 or > 5)
                    throw new ArgumentException("Only tensors with 3, 4, or 5 dimensions are supported");
                return Fill(tensor, t =>
                {
                    t.zero_();
                    for (long channel = 0; channel < Math.Min(shape[0], shape[1]); channel++)
                    {
                        Tensor kernel = t.select(0, channel).select(0, channel);
                        foreach (long size in shape.Skip(2))
                            kernel = kernel.select(0, size / 2);
                        kernel.fill_(1);
                    }
                });
            }

            /// <summary>A normal distribution cut off at a and b, by the inverse of its cumulative distribution.</summary>
            public static Tensor trunc_normal_(Tensor tensor, double mean = 0.0, double std = 1.0, double a = -2.0, double b = 2.0, Generator generator = null)
            {
                double below = NormalBelow((a - mean) / std), above = NormalBelow((b - mean) / std);
                return Fill(tensor, t => t.uniform_((2 * below) - 1, (2 * above) - 1).erfinv_().mul_(std * Math.Sqrt(2)).add_(mean).clamp_(a, b));
            }

            public static Tensor kaiming_uniform_(Tensor tensor, double a = 0, FanInOut mode = FanInOut.FanIn, NonlinearityType nonlinearity = NonlinearityType.LeakyReLU)
            {
                double bound = Math.Sqrt(3) * KaimingDeviation(tensor, a, mode, nonlinearity);
                return uniform_(tensor, -bound, bound);
            }

            public static Tensor kaiming_normal_(Tensor tensor, double a = 0, FanInOut mode = FanInOut.FanIn, NonlinearityType nonlinearity = NonlinearityType.LeakyReLU) =>
                normal_(tensor, 0, KaimingDeviation(tensor, a, mode, nonlinearity));

            public static Tensor xavier_uniform_(Tensor tensor, double gain = 1.0)
            {
                (long fanIn, long fanOut) = CalculateFanInAndFanOut(tensor);
                double bound = Math.Sqrt(3) * gain * Math.Sqrt(2.0 / (fanIn + fanOut));
                return uniform_(tensor, -bound, bound);
            }

            /// <summary>The real package draws from the uniform distribution here too.</summary>
            public static Tensor xavier_normal_(Tensor tensor, double gain = 1.0) => xavier_uniform_(tensor, gain);

            public static Tensor glorot_uniform_(Tensor tensor, double gain = 1.0) => xavier_uniform_(tensor, gain);

            public static Tensor glorot_normal_(Tensor tensor, double gain = 1.0) => xavier_normal_(tensor, gain);

            public static Tensor orthogonal_(Tensor tensor, double gain = 1.0)
            {
                long[] shape = tensor.shape;
                if (shape.Length < 2)
                    throw new ArgumentException("Only tensors with 2 or more dimensions are supported");
                return Fill(tensor, t =>
                {
                    long rows = shape[0], columns = t.numel() / rows;
                    Tensor normal = randn([Math.Max(rows, columns), Math.Min(rows, columns)], t.dtype, t.device);
                    (Tensor q, Tensor r) = new Op("linalg_qr").Call2(normal);
                    q.mul_(new Op("diagonal").Call(r).sign());
                    t.view(rows, columns).copy_(rows < columns ? q.t() : q);
                    t.mul_(gain);
                });
            }

            /// <summary>Normal values, of which a share of each column is zero.</summary>
            public static Tensor sparse_(Tensor tensor, double sparsity, double std = 0.01) => Fill(tensor, t =>
            {
                long rows = t.shape[0], columns = t.shape[1];
                t.normal_(0, std);
                Tensor order = rand([rows, columns], device: t.device).argsort(0);
                t.masked_fill_(order.lt((long)Math.Ceiling(sparsity * rows)), 0);
            });

            private static double KaimingDeviation(Tensor tensor, double slope, FanInOut mode, NonlinearityType nonlinearity)
            {
                (long fanIn, long fanOut) = CalculateFanInAndFanOut(tensor);
                return calculate_gain(nonlinearity, slope) / Math.Sqrt(mode == FanInOut.FanIn ? fanIn : fanOut);
            }

            private static double NormalBelow(double x)
            {
                using DisposeScope scope = NewDisposeScope();
                return (1 + torch.tensor(x / Math.Sqrt(2)).erf().item<double>()) / 2;
            }

            private static Tensor Fill(Tensor tensor, Action<Tensor> fill)
            {
                using (no_grad())
                using (NewDisposeScope())
                    fill(tensor);
                return tensor;
            }
        }
    }
}
