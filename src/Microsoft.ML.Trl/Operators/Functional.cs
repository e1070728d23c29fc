using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Operators;

/// <summary>What torch.nn.functional has and TorchSharp lacks. Differentiable, on the CPU and on CUDA alike.</summary>
internal static class Functional
{
    /// <summary>softmax(q·kᵀ·scale + mask)·v: arXiv:1706.03762, Eq. 1, in the fastest form that libtorch has for the arguments.</summary>
    /// <param name="q">[B, H, T, D] queries.</param>
    /// <param name="k">[B, H, S, D] keys; [B, H / n, S, D] with grouped heads.</param>
    /// <param name="v">[B, H, S, E] values; [B, H / n, S, E] with grouped heads.</param>
    /// <param name="mask">
    /// Spreads to [B, H, T, S]: bool, true where a query sees a key, or numbers to add to the scores. None with a causal product.
    /// </param>
    /// <param name="causal">
    /// Query t sees keys 0 to t, counted from the first key: not what queries after cached keys need, which pass a mask.
    /// </param>
    /// <param name="scale">Factor of the scores; 1/√D when not given.</param>
    /// <param name="groupedHeads">Whether n query heads share a head of keys and values: arXiv:2305.13245.</param>
    /// <returns>[B, H, T, E]. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The shapes do not fit, or a mask comes with a causal product.</exception>
    public static Tensor ScaledDotProductAttention(
        Tensor q, Tensor k, Tensor v, Tensor? mask = null, bool causal = false, double? scale = null, bool groupedHeads = false)
    {
        CheckAttention(q, k, v, groupedHeads);
        if (causal && mask is not null)
            throw new ArgumentException("A causal product takes no mask; combine the two in the mask.", nameof(mask));
        var call = new OperatorCall("aten::scaled_dot_product_attention"u8);
        call.Add(q);
        call.Add(k);
        call.Add(v);
        call.AddOptional(mask);
        call.Add(0.0); // dropout, which draws from the global generator
        call.Add(causal);
        call.AddOptional(scale);
        call.Add(groupedHeads);
        return call.RunToTensor();
    }

    /// <summary>
    /// x / √(mean(x²) + eps) · weight over the last dimension: arXiv:1910.07467, Eq. 4. The mean is taken in float32 for 16-bit numbers.
    /// </summary>
    /// <param name="x">[..., D].</param>
    /// <param name="weight">[D], or nothing.</param>
    /// <param name="eps">Added to the mean, greater than or equal to 0.</param>
    /// <returns>[..., D] of x's type. The caller owns it.</returns>
    /// <exception cref="ArgumentException">x is a scalar, or the weight is not as long as x's rows.</exception>
    public static Tensor RmsNorm(Tensor x, Tensor? weight, double eps)
    {
        ArgumentNullException.ThrowIfNull(x);
        if (x.dim() == 0)
            throw new ArgumentException("A norm takes rows [..., D], not a scalar.", nameof(x));
        if (weight is not null && (weight.dim() != 1 || weight.shape[0] != x.shape[^1]))
            throw new ArgumentException(
                $"A norm's weight has a number for each of x's last dimension: x is {Shape(x)}, the weight {Shape(weight!)}.",
                nameof(weight));
        ArgumentOutOfRangeException.ThrowIfNegative(eps);
        var call = new OperatorCall("aten::rms_norm"u8);
        call.Add(x);
        call.Add(x.shape[^1..]);
        call.AddOptional(weight);
        call.AddOptional(eps);
        return call.RunToTensor();
    }

    private static void CheckAttention(Tensor q, Tensor k, Tensor v, bool groupedHeads)
    {
        ArgumentNullException.ThrowIfNull(q);
        ArgumentNullException.ThrowIfNull(k);
        ArgumentNullException.ThrowIfNull(v);
        bool fits = q.dim() == 4 && k.dim() == 4 && v.dim() == 4;
        if (fits)
        {
            long[] a = q.shape, b = k.shape, c = v.shape;
            bool heads = groupedHeads ? b[1] > 0 && a[1] % b[1] == 0 : a[1] == b[1];
            fits = heads && a[0] == b[0] && a[3] == b[3] && b.AsSpan(0, 3).SequenceEqual(c.AsSpan(0, 3));
        }
        if (!fits)
            throw new ArgumentException(
                "Attention takes queries [B, H, T, D], keys [B, H, S, D] and values [B, H, S, E] " +
                $"(with grouped heads H may be a multiple of the keys' heads), not {Shape(q)}, {Shape(k)} and {Shape(v)}.", nameof(q));
    }

    private static string Shape(Tensor tensor) => $"[{string.Join(", ", tensor.shape)}]";
}
