using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Settings of exploratory preference optimisation (arXiv:2405.21046), with TRL's names and defaults (v1.9.0). Immutable; vary with
/// <c>with</c>.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record XpoOptions : OnlinePairOptions
{
    /// <summary>
    /// Weight of the term that makes answers of the reference less likely: α of arXiv:2405.21046, algorithm 1. One number per epoch, of
    /// which the last holds for all further epochs. At least one; each at least 0.
    /// </summary>
    public IReadOnlyList<double> Alpha { get; init; } = [1e-5];

    /// <summary>Which function of the margin is minimised.</summary>
    public PairLossType LossType { get; init; }

    /// <summary>α of an epoch, counted from 0.</summary>
    internal double AlphaAt(int epoch) => At(Alpha, epoch);

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range, or two contradict each other; the message names them.</exception>
    internal XpoOptions Validated()
    {
        ValidateOnline();
        ValidatePerEpoch(Alpha, alpha => Require.NotNegative(alpha, nameof(Alpha)));
        Require.Known(LossType);
        return this;
    }
}
