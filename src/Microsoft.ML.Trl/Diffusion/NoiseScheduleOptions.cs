using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl.Diffusion;

/// <summary>
/// How images are turned into noise, with the names and defaults of diffusers' <c>DDIMScheduler</c>. Immutable; make variants with
/// <c>with</c>.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record NoiseScheduleOptions
{
    private const int MostTimesteps = 100_000;

    /// <summary>Steps from an image to pure noise, T; 2 to 100000.</summary>
    public int NumTrainTimesteps { get; init; } = 1000;

    /// <summary>Variance of the noise of the first step, β₁; in (0, 1).</summary>
    public double BetaStart { get; init; } = 1e-4;

    /// <summary>That of the last one; from <see cref="BetaStart"/> to below 1.</summary>
    public double BetaEnd { get; init; } = 0.02;

    /// <summary>How β grows in between.</summary>
    [JsonConverter(typeof(JsonStringEnumConverter<BetaSchedule>))]
    public BetaSchedule BetaSchedule { get; init; }

    /// <summary>Keep the image that each step of sampling foresees within ±<see cref="ClipSampleRange"/>.</summary>
    public bool ClipSample { get; init; } = true;

    /// <summary>Largest value of a pixel that is foreseen; greater than 0. Images are in [-1, 1] inside.</summary>
    public double ClipSampleRange { get; init; } = 1;

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    internal NoiseScheduleOptions Validated()
    {
        Require.Between(NumTrainTimesteps, 2, MostTimesteps);
        Require.Known(BetaSchedule);
        Require.Positive(BetaStart);
        Require.Below(BetaEnd, BetaStart, 1);
        Require.Positive(ClipSampleRange);
        return this;
    }
}
