using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Settings of contrastive preference optimisation, with TRL's names and defaults (v1.9.0). SimPO is <see cref="CpoLossType.Simpo"/> with
/// <see cref="CpoAlpha"/> 0; AlphaPO is SimPO with <see cref="Alpha"/>. Immutable; vary with <c>with</c>.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record CpoOptions : ReferenceFreeOptions
{
    /// <summary>How steep the loss is: β of arXiv:2401.08417, Eq. 3. Unitless, above 0; SimPO takes 2 and more.</summary>
    public double Beta { get; init; } = 0.1;

    /// <summary>Share of labels thought to be wrong, in [0, 0.5]: of the losses Sigmoid and Simpo.</summary>
    public double LabelSmoothing { get; init; }

    /// <summary>The loss. Simpo and Ipo compare means per token, the others sums.</summary>
    public CpoLossType LossType { get; init; } = CpoLossType.Sigmoid;

    /// <summary>Weight of the negative log-likelihood of the chosen answers, which is added; at least 0. Pure SimPO has 0.</summary>
    public double CpoAlpha { get; init; } = 1;

    /// <summary>By how much β times the difference should be ahead: γ of arXiv:2405.14734, Eq. 6, for the loss Simpo. Finite.</summary>
    public double SimpoGamma { get; init; } = 0.5;

    /// <summary>Shape of the reward, α of AlphaPO: arXiv:2501.03884, Eq. 6. Finite; 0 = the log-probability itself.</summary>
    public double Alpha { get; init; }

    internal override IEnumerable<string> WithoutEffect()
    {
        foreach (string unused in base.WithoutEffect())
            yield return unused;
        if (SimpoGamma != 0.5 && LossType != CpoLossType.Simpo)
            yield return "SimpoGamma without LossType Simpo";
        if (LabelSmoothing > 0 && LossType is (CpoLossType.Hinge or CpoLossType.Ipo))
            yield return $"LabelSmoothing with LossType {LossType}";
    }

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    internal CpoOptions Validated()
    {
        ValidateReferenceFree();
        Require.Positive(Beta);
        Require.Between(LabelSmoothing, 0, 0.5);
        Require.Known(LossType);
        Require.NotNegative(CpoAlpha);
        Require.Finite(SimpoGamma);
        Require.Finite(Alpha);
        return this;
    }
}
