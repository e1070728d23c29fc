using System.Runtime.CompilerServices;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>How hidden states become logits: <c>W s h + b</c>, softly capped where the model asks for it. Owns nothing.</summary>
/// <param name="Weight">[V, H]: a parameter, or a tensor that needs no gradient.</param>
/// <param name="Bias">[V], a parameter; null = none.</param>
/// <param name="SoftCap">c of <c>c tanh(z / c)</c>, which keeps logits between -c and c (arXiv:2408.00118, section 2); null = none.</param>
/// <param name="Scale">s, the factor of the hidden states: 1, but for models such as T5 whose embedding is too large a projection.</param>
/// <exception cref="ArgumentOutOfRangeException">The soft cap or the scale is not a finite number greater than 0.</exception>
public sealed record VocabularyProjection(Tensor Weight, Tensor? Bias = null, double? SoftCap = null, double Scale = 1)
{
    /// <summary>c of <c>c tanh(z / c)</c>; null = none.</summary>
    public double? SoftCap { get; } = SoftCap is null or (> 0 and < double.PositiveInfinity) ? SoftCap
        : throw new ArgumentOutOfRangeException(nameof(SoftCap), SoftCap, "The soft cap must be a finite number greater than 0, or null.");

    /// <summary>s, the factor of the hidden states.</summary>
    public double Scale { get; } = Scale is > 0 and < double.PositiveInfinity ? Scale
        : throw new ArgumentOutOfRangeException(nameof(Scale), Scale, "The scale must be a finite number greater than 0.");

    /// <summary>
    /// Divides the logits, after the soft cap: the temperature that tokens were drawn at, where their probability there is asked for.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not a finite number greater than 0.</exception>
    public double Temperature
    {
        get;
        init => field = value is > 0 and < double.PositiveInfinity ? value
            : throw new ArgumentOutOfRangeException(
                nameof(Temperature), value, "The temperature must be a finite number greater than 0.");
    } = 1;

    /// <summary>A projection by a weight alone.</summary>
    public static implicit operator VocabularyProjection(Tensor weight) => FromTensor(weight);

    /// <summary>The same for those who have no use for operators.</summary>
    public static VocabularyProjection FromTensor(Tensor weight)
    {
        ArgumentNullException.ThrowIfNull(weight);
        return new VocabularyProjection(weight);
    }

    /// <summary>Whether a parameter of it records gradients.</summary>
    internal bool NeedsGradient => Weight.requires_grad || Bias is { requires_grad: true };

    /// <summary>The same without gradients.</summary>
    internal VocabularyProjection Detached() => this with { Weight = Weight.detach(), Bias = Bias?.detach() };

    /// <summary>Fails unless states can be projected.</summary>
    /// <param name="hidden">[N, H].</param>
    /// <param name="hiddenName">What the caller calls them.</param>
    /// <exception cref="ArgumentException">They cannot, or the parts of the projection do not fit together.</exception>
    internal void Check(Tensor hidden, [CallerArgumentExpression(nameof(hidden))] string hiddenName = "")
    {
        RequireTensor.Floating(hidden, hiddenName);
        RequireTensor.Floating(Weight);
        RequireTensor.Shape(Weight, Weight.dim() == 2 && Weight.NumberOfElements > 0, "[V, H] without a 0");
        long width = Weight.size(1);
        RequireTensor.Shape(hidden, hidden.dim() == 2 && hidden.size(1) == width, $"[N, {width}]", hiddenName);
        RequireTensor.Beside(hidden, Weight, "the weights", hiddenName);
        if (hidden.dtype != Weight.dtype)
            throw new ArgumentException(
                $"{hiddenName} is {hidden.dtype}, its projection is {Weight.dtype}; convert one of them with to_type.", hiddenName);
        if (Bias is not null)
        {
            RequireTensor.Floating(Bias);
            RequireTensor.Shape(Bias, Bias.dim() == 1 && Bias.size(0) == Weight.size(0), $"[{Weight.size(0)}]");
            RequireTensor.Beside(Bias, Weight, "the weights");
        }
    }

    /// <summary>Fails unless its parts are leaves, to whose gradients can be added in place, or need none.</summary>
    /// <param name="name">What the caller calls it.</param>
    /// <exception cref="ArgumentException">They are results of a computation that records gradients.</exception>
    internal void RequireParameters(string name = "head")
    {
        if (Weight is { requires_grad: true, is_leaf: false } || Bias is { requires_grad: true, is_leaf: false })
            throw new ArgumentException(
                "The head is the result of a computation that records gradients; its parts must be parameters, or detached.", name);
    }

    /// <summary>The states as the weight reads them: times the scale.</summary>
    /// <param name="hidden">[N, H].</param>
    /// <returns>[N, H], differentiable: the same tensor, or one of the current scope.</returns>
    internal Tensor Scaled(Tensor hidden) => Scale == 1 ? hidden : hidden * Scale;

    /// <summary>Adds the bias, caps and divides by the temperature, in place.</summary>
    /// <param name="products">[n, V] float32, what the weight gives.</param>
    internal Tensor Finish(Tensor products)
    {
        if (Bias is not null)
            products.add_(Bias.detach());
        if (SoftCap is { } cap)
            products.div_(cap).tanh_().mul_(cap);
        return Temperature == 1 ? products : products.div_(Temperature);
    }

    /// <summary>Derivative of the capped logits by those before, which the soft cap asks for; null = there is no cap.</summary>
    /// <param name="logits">[n, V] float32, of <see cref="Finish"/>.</param>
    internal Tensor? CapSlope(Tensor logits) => SoftCap is { } cap ? logits.mul(Temperature / cap).square().neg_().add_(1) : null;
}
