using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>Settings of Kahneman-Tversky optimisation, with TRL's names and defaults (v1.9.0). Immutable; vary with <c>with</c>.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record KtoOptions : UnpairedOptions
{
    /// <summary>What completions are measured from. Kto needs batches of two at least, since it compares completions of a batch.</summary>
    public KtoLossType LossType { get; init; } = KtoLossType.Kto;

    /// <summary>Pull to the reference: β of arXiv:2402.01306, Eq. 7. Unitless, above 0.</summary>
    public double Beta { get; init; } = 0.1;

    /// <summary>
    /// Weight of wanted completions, λ_D of Eq. 8; at least 0. With unequal numbers of wanted and unwanted ones, the paper keeps the
    /// weighted numbers within 1:1 and 4:3.
    /// </summary>
    public double DesirableWeight { get; init; } = 1;

    /// <summary>Weight of unwanted completions, λ_U of Eq. 8; at least 0.</summary>
    public double UndesirableWeight { get; init; } = 1;

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range, or two contradict each other; the message names them.</exception>
    internal KtoOptions Validated()
    {
        ValidateUnpaired();
        Require.Known(LossType);
        Require.Positive(Beta);
        Require.NotNegative(DesirableWeight);
        Require.NotNegative(UndesirableWeight);
        if (DesirableWeight == 0 && UndesirableWeight == 0)
            throw new ArgumentException(
                "DesirableWeight and UndesirableWeight are both 0, so that there is nothing to learn; set one of them above 0.",
                nameof(DesirableWeight));
        if (LossType == KtoLossType.Kto && PerDeviceTrainBatchSize < 2)
            throw new ArgumentException(
                "PerDeviceTrainBatchSize (1) must be 2 or greater with LossType Kto, which compares completions of a batch; raise it, or "
                + "use LossType ApoZeroUnpaired.",
                nameof(PerDeviceTrainBatchSize));
        if (LossType == KtoLossType.Kto && PerDeviceEvalBatchSize < 2 && MayEvaluate)
            throw new ArgumentException(
                "PerDeviceEvalBatchSize (1) must be 2 or greater with LossType Kto, which compares completions of a batch; raise it, or "
                + "use LossType ApoZeroUnpaired.",
                nameof(PerDeviceEvalBatchSize));
        return this;
    }
}
