using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Settings of Nash learning from human feedback by mirror descent (arXiv:2312.00886), with TRL's names and defaults (v1.9.0). Immutable;
/// vary with <c>with</c>.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record NashMdOptions : OnlinePairOptions
{
    /// <summary>
    /// Share of the reference in the mixture that the policy plays against, drawn token by token: β of arXiv:2312.00886, section 7. 0 is
    /// the policy itself, 1 the reference. One number per epoch, of which the last holds for all further epochs. At least one; each in
    /// [0, 1].
    /// </summary>
    public IReadOnlyList<double> MixtureCoef { get; init; } = [0.5];

    /// <summary>The share of an epoch, counted from 0.</summary>
    internal double MixtureCoefAt(int epoch) => At(MixtureCoef, epoch);

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range, or two contradict each other; the message names them.</exception>
    internal NashMdOptions Validated()
    {
        ValidateOnline();
        ValidatePerEpoch(MixtureCoef, share => Require.Between(share, 0, 1, nameof(MixtureCoef)));
        return this;
    }
}
