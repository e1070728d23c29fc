using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>Settings of online DPO (arXiv:2402.04792), with TRL's names and defaults (v1.9.0). Immutable; vary with <c>with</c>.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record OnlineDpoOptions : OnlinePairOptions
{
    /// <summary>Which function of the margin is minimised.</summary>
    public PairLossType LossType { get; init; }

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range, or two contradict each other; the message names them.</exception>
    internal OnlineDpoOptions Validated()
    {
        ValidateOnline();
        Require.Known(LossType);
        return this;
    }
}
