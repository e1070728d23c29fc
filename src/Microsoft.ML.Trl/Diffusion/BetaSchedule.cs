namespace Microsoft.ML.Trl.Diffusion;

/// <summary>How the variance of the noise that a step adds, β, grows from the first step to the last; names of diffusers.</summary>
public enum BetaSchedule
{
    /// <summary>β grows evenly: arXiv:2006.11239.</summary>
    Linear,

    /// <summary>The root of β grows evenly: Stable Diffusion.</summary>
    ScaledLinear,

    /// <summary>
    /// What is left of the image falls with a squared cosine: arXiv:2102.09672, Eq. 17. The two bounds of β have no effect; it is 0.999
    /// at most.
    /// </summary>
    SquaredcosCapV2,
}
