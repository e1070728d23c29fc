using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>Settings of PPO's critic, with the names that TRL's <c>AutoModelForCausalLMWithValueHead</c> has for them.</summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record ValueHeadOptions
{
    private const double DefaultRange = 0.2;

    /// <summary>
    /// Share of the entries of a hidden state that the critic does not see in the passes that it learns from, in [0, 1). TRL's default is
    /// 0.1, but its <c>PPOTrainer.step</c> makes these passes in evaluation, where nothing is dropped: 0 gives its numbers.
    /// </summary>
    public double SummaryDropoutProb { get; init; }

    /// <summary>
    /// How the weights of a fresh critic are drawn; null = as those of PyTorch's linear layer. A critic that is there keeps its weights.
    /// </summary>
    public VHeadInitStrategy? VHeadInitStrategy { get; init; }

    /// <summary>Standard deviation of the weights with <see cref="VHeadInitStrategy.Normal"/>. At least 0.</summary>
    public double VHeadInitializerRange { get; init; } = DefaultRange;

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range, or has no meaning beside the others.</exception>
    internal ValueHeadOptions Validated()
    {
        Require.Below(SummaryDropoutProb, 0, 1);
        if (VHeadInitStrategy is { } strategy)
            Require.Known(strategy, nameof(VHeadInitStrategy));
        Require.NotNegative(VHeadInitializerRange);
        if (VHeadInitStrategy is null && VHeadInitializerRange != DefaultRange)
            throw new ArgumentException(
                FormattableString.Invariant($"VHeadInitializerRange ({VHeadInitializerRange}) has no meaning without a VHeadInitStrategy; ")
                + $"set VHeadInitStrategy to {nameof(Trl.VHeadInitStrategy.Normal)}, or leave the range at {DefaultRange}.",
                nameof(VHeadInitializerRange));
        return this;
    }
}
