using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Settings of odds ratio preference optimisation, with TRL's names and defaults (v1.9.0). Immutable; vary with <c>with</c>.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record OrpoOptions : ReferenceFreeOptions
{
    /// <summary>Weight of the odds ratio beside the likelihood: λ of arXiv:2403.07691, Eq. 6. Unitless, above 0.</summary>
    public double Beta { get; init; } = 0.1;

    internal override PairLayout Layout => base.Layout with { WithPromptOfChosen = true };

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    internal OrpoOptions Validated()
    {
        ValidateReferenceFree();
        Require.Positive(Beta);
        return this;
    }
}
