using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// Bias-corrected exponential moving average of the trained weights, BEMA: arXiv:2508.00180, Algorithm 1, with the names and defaults of
/// TRL's BEMACallback. Let θ be the weights, θ₀ those at <see cref="UpdateAfter"/>, and t the number of a step, from 1. At each update
/// EMA ← (1 - β) EMA + β θ with β = (<see cref="Lag"/> + <see cref="Multiplier"/> t)^-<see cref="EmaPower"/>, and the average is
/// EMA + α (θ - θ₀) with α = (Lag + Multiplier t)^-<see cref="BiasPower"/>. Immutable; make variants with <c>with</c>.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record WeightAveragingOptions
{
    /// <summary>Steps between two updates. At least 1; the first update must lie within the run.</summary>
    public int UpdateFreq { get; init; } = 400;

    /// <summary>κ: how fast β falls. At least 0.</summary>
    public double EmaPower { get; init; } = 0.5;

    /// <summary>η: how fast α falls. At least 0; null = no correction of the bias: a plain moving average.</summary>
    public double? BiasPower { get; init; } = 0.2;

    /// <summary>ρ: steps that are added to t. At least 0; with <see cref="Multiplier"/> at least 1, so that β is a share.</summary>
    public int Lag { get; init; } = 10;

    /// <summary>Steps before the average begins; θ₀ is what they lead to. At least 0.</summary>
    public int UpdateAfter { get; init; }

    /// <summary>γ: factor of t. At least 0.</summary>
    public double Multiplier { get; init; } = 1.0;

    /// <summary>Least β, in [0, 1].</summary>
    public double MinEmaMultiplier { get; init; }

    /// <summary>
    /// A plain moving average of this fixed decay, in [0, 1): β = 1 - decay, and no correction of the bias. Null = β falls as above.
    /// </summary>
    public double? EmaDecay { get; init; }

    /// <summary>Whether the average is corrected for its bias.</summary>
    internal bool IsCorrected => EmaDecay is null && BiasPower is not null;

    /// <summary>Step of the first update.</summary>
    internal long FirstUpdate => (long)UpdateAfter + UpdateFreq;

    /// <summary>Options that were set and change nothing beside these others.</summary>
    internal IEnumerable<string> WithoutEffect()
    {
        var usual = new WeightAveragingOptions { UpdateFreq = UpdateFreq, UpdateAfter = UpdateAfter, EmaDecay = EmaDecay };
        if (EmaDecay is not null && this != usual)
            yield return "EmaPower, BiasPower, Lag, Multiplier and MinEmaMultiplier of WeightAveraging with EmaDecay";
    }

    /// <summary>β of a step: the share of the weights in the new average.</summary>
    internal double Share(int step) =>
        EmaDecay is { } decay ? 1 - decay : Math.Max(Math.Pow(Lag + (Multiplier * step), -EmaPower), MinEmaMultiplier);

    /// <summary>α of a step: what is added of the way that the weights have gone.</summary>
    internal double Correction(int step) => IsCorrected ? Math.Pow(Lag + (Multiplier * step), -BiasPower!.Value) : 0;

    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    internal void Validate()
    {
        Require.AtLeast(UpdateFreq, 1);
        Require.NotNegative(EmaPower);
        Require.NotNegative(BiasPower);
        Require.AtLeast(Lag, 0);
        Require.AtLeast(UpdateAfter, 0);
        Require.NotNegative(Multiplier);
        Require.Between(MinEmaMultiplier, 0, 1);
        if (EmaDecay is { } decay)
            Require.Below(decay, 0, 1, nameof(EmaDecay));
        if (Lag + Multiplier < 1)
            throw new ArgumentException(
                FormattableString.Invariant($"Lag ({Lag}) and Multiplier ({Multiplier}) must add up to at least 1: the share of the ")
                + "weights in a new average is a power of their sum; raise one of them.", nameof(Lag));
    }

    /// <param name="steps">Steps of the run.</param>
    /// <exception cref="ArgumentException">It has no update.</exception>
    internal void RequireUpdate(int steps)
    {
        if (FirstUpdate > steps)
            throw new ArgumentException(
                $"WeightAveraging updates its average every UpdateFreq ({UpdateFreq}) steps after UpdateAfter ({UpdateAfter}), but the "
                + $"run has {steps} steps, so that there would be no average; lower them to at most {steps} together.", nameof(steps));
    }
}
