namespace TorchSharp;

public enum PaddingModes
{
    Zeros = 0,
    Reflect = 1,
    Replicate = 2,
    Circular = 3,
    Constant = 4,
}

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>The layers as functions.</summary>
        public static partial class functional
        {
            private static readonly Op Linear = new("linear");
            private static readonly Op LayerNorm = new("layer_norm");
            private static readonly Op Dropout = new("dropout");
            private static readonly Op DropoutInPlace = new("dropout_");
            private static readonly Op OneHot = new("one_hot");
            private static readonly Op PadConstant = new("constant_pad_nd");
            private static readonly Op PadOtherwise = new("pad");
            private static readonly Op CosineSimilarity = new("cosine_similarity");
            private static readonly Op Attention = new("scaled_dot_product_attention");

            public static Tensor linear(Tensor input, Tensor weights, Tensor bias = null) => Linear.Call(input, weights, bias);

            public static Tensor layer_norm(Tensor input, long[] normalized_shape, Tensor weight = null, Tensor bias = null, double eps = 1e-05) =>
                LayerNorm.Call(input, normalized_shape, weight, bias, eps);

            public static Tensor dropout(Tensor input, double p = 0.5, bool training = true, bool inplace = false) =>
                (inplace ? DropoutInPlace : Dropout).Call(input, p, training);

            public static Tensor one_hot(Tensor x, long num_classes = -1)
            {
                if (x.dtype != ScalarType.Int64)
                    throw new ArgumentException("OneHot input tensor must have elements of type Int64");
                return OneHot.Call(x, num_classes);
            }

            public static Tensor cosine_similarity(Tensor x1, Tensor x2, long dim = 1, double eps = 1e-8) => CosineSimilarity.Call(x1, x2, dim, eps);

            public static Tensor pad(Tensor input, long[] pad, PaddingModes mode = PaddingModes.Constant, double value = 0) => mode switch
            {
                PaddingModes.Zeros or PaddingModes.Constant => PadConstant.Call(input, pad, value),
                PaddingModes.Reflect => PadOtherwise.Call(input, pad, "reflect"),
                PaddingModes.Replicate => PadOtherwise.Call(input, pad, "replicate"),
                _ => PadOtherwise.Call(input, pad, "circular"),
            };

            public static Tensor pad(Tensor input, ReadOnlySpan<long> pad, PaddingModes mode = PaddingModes.Constant, double value = 0) =>
                functional.pad(input, pad.ToArray(), mode, value);

            public static Tensor pad(Tensor input, (long, long) pad, PaddingModes mode = PaddingModes.Constant, double value = 0) =>
                functional.pad(input, new[] { pad.Item1, pad.Item2 }, mode, value);

            public static Tensor pad(Tensor input, (long, long, long, long) pad, PaddingModes mode = PaddingModes.Constant, double value = 0) =>
                functional.pad(input, new[] { pad.Item1, pad.Item2, pad.Item3, pad.Item4 }, mode, value);

            /// <summary>The same padding at both ends of every dimension.</summary>
            public static Tensor pad(Tensor input, long pad, PaddingModes mode = PaddingModes.Constant, double value = 0) =>
                functional.pad(input, Enumerable.Repeat(pad, 2 * (int)input.ndim).ToArray(), mode, value);

            /// <summary>softmax(query · keyᵀ / √size + mask) · value; a boolean mask is true where a key may be seen.</summary>
            public static Tensor scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor attn_mask = null, double p = 0.0, bool is_casual = false) =>
                Attention.Exists ? Attention.Call(query, key, value, attn_mask, p, is_casual) : ComposedAttention(query, key, value, attn_mask, p, is_casual);

            /// <summary>The same from parts, for a libtorch older than 2.0.</summary>
            private static Tensor ComposedAttention(Tensor query, Tensor key, Tensor value, Tensor mask, double p, bool causal)
            {
                if (causal && mask is not null)
                    throw new ExternalException("_scaled_dot_product_attention: Explicit attn_mask should not be set when is_causal=True");
                using DisposeScope scope = NewDisposeScope();
                Tensor scores = query.mul(1 / Math.Sqrt(query.shape[^1])).matmul(key.transpose(-2, -1));
                if (causal)
                    mask = ones([query.shape[^2], key.shape[^2]], ScalarType.Bool, query.device).tril();
                if (mask is not null)
                    scores = mask.dtype == ScalarType.Bool ? scores.masked_fill(mask.logical_not(), double.NegativeInfinity) : scores.add(mask);
                Tensor weights = softmax(scores, -1);
                if (p > 0)
                    weights = dropout(weights, p);
                return weights.matmul(value).MoveToOuterDisposeScope();
            }
        }
    }
}
