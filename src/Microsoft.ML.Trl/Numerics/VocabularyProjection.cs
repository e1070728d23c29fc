using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>How hidden states become logits: <c>W h + b</c>, softly capped where the model asks for it. Owns nothing.</summary>
/// <param name="Weight">[V, H]: a parameter, or a tensor that needs no gradient.</param>
/// <param name="Bias">[V], a parameter; null = none.</param>
/// <param name="SoftCap">c of <c>c tanh(z / c)</c>, which keeps logits between -c and c (arXiv:2408.00118, section 2); null = none.</param>
public sealed record VocabularyProjection(Tensor Weight, Tensor? Bias = null, double? SoftCap = null)
{
    /// <summary>A projection by a weight alone.</summary>
    public static implicit operator VocabularyProjection(Tensor weight) => new(weight);

    /// <summary>The same for those who have no use for operators.</summary>
    public static VocabularyProjection FromTensor(Tensor weight) => new(weight);

    /// <summary>Whether a parameter of it records gradients.</summary>
    internal bool NeedsGradient => Weight.requires_grad || Bias is { requires_grad: true };

    /// <summary>The same without gradients.</summary>
    internal VocabularyProjection Detached() => new(Weight.detach(), Bias?.detach(), SoftCap);

    /// <summary>Adds the bias and caps, in place.</summary>
    /// <param name="products">[n, V] float32, what the weight gives.</param>
    internal Tensor Finish(Tensor products)
    {
        if (Bias is not null)
            products.add_(Bias.detach());
        return SoftCap is { } cap ? products.div_(cap).tanh_().mul_(cap) : products;
    }
}
