using System.Text.Json.Serialization;

namespace Microsoft.ML.Trl;

/// <summary>
/// How images are drawn, with the names of diffusers' pipelines. Immutable; make variants with <c>with</c>.
/// </summary>
[JsonUnmappedMemberHandling(JsonUnmappedMemberHandling.Disallow)]
public sealed record ImageGenerationOptions
{
    /// <summary>Steps from noise to image; from 1 to below those of the model's schedule.</summary>
    public int NumInferenceSteps { get; init; } = 50;

    /// <summary>
    /// Weight of the prompt: s of classifier-free guidance, arXiv:2207.12598, as ε(nothing) + s·(ε(prompt) - ε(nothing)). 1 = no guidance,
    /// which takes half the time; above, images show the prompt more clearly and vary less. 0 or greater.
    /// </summary>
    public double GuidanceScale { get; init; } = 5;

    /// <summary>Noise that each step adds: η of DDIM, arXiv:2010.02502; in [0, 1]. 0 = none after the first.</summary>
    public double Eta { get; init; }

    /// <summary>What guidance leads away from; empty = from images of anything.</summary>
    public string NegativePrompt { get; init; } = "";

    /// <summary>The noise is a function of it.</summary>
    public int Seed { get; init; }

    /// <summary>These options, checked.</summary>
    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    internal ImageGenerationOptions Validated()
    {
        Require.AtLeast(NumInferenceSteps, 1);
        Require.NotNegative(GuidanceScale);
        Require.Between(Eta, 0, 1);
        ArgumentNullException.ThrowIfNull(NegativePrompt);
        return this;
    }
}
