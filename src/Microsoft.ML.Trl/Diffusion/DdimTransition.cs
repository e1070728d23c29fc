using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Diffusion;

/// <summary>The normal distribution that a step of sampling draws from, independent for each pixel.</summary>
/// <param name="Mean">[B, ...].</param>
/// <param name="Deviation">[B, 1, ...] one per row; all 0 where nothing is drawn.</param>
public sealed record DdimTransition(Tensor Mean, Tensor Deviation)
{
    /// <summary>Draws.</summary>
    /// <param name="noise">[B, ...] normal with mean 0 and variance 1; scaled here.</param>
    /// <returns>[B, ...]. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The noise has another shape.</exception>
    public Tensor Sample(Tensor noise)
    {
        RequireTensor.Floating(noise);
        RequireTensor.OneShape((noise, nameof(noise)), (Mean, nameof(Mean)));
        using DisposeScope scope = NewDisposeScope();
        return Mean.Plus(Deviation * noise).MoveToOuterDisposeScope();
    }

    /// <summary>How likely images are to be drawn: the mean over the pixels of the log-density, as TRL has it, not the sum.</summary>
    /// <param name="images">[B, ...] the same shape as the mean; no gradient flows to them.</param>
    /// <returns>[B] in nats per pixel. The caller owns it.</returns>
    /// <exception cref="ArgumentException">The images have another shape.</exception>
    /// <exception cref="InvalidOperationException">The deviation is 0: there is no density.</exception>
    public Tensor LogProb(Tensor images)
    {
        RequireTensor.Floating(images);
        RequireTensor.OneShape((images, nameof(images)), (Mean, nameof(Mean)));
        using DisposeScope scope = NewDisposeScope();
        if (Deviation.min().item<float>() is not > 0)
            throw new InvalidOperationException(
                "The step has a deviation of 0: what it leads to is certain, and has no density. Sample with an eta above 0.");
        Tensor distance = images.detach().Minus(Mean) / Deviation;
        Tensor density = (distance * distance).Times(-0.5).Minus(Deviation.log().Plus(0.5 * Math.Log(2 * Math.PI))); // [B, ...]
        return density.flatten(1).mean([1L]).MoveToOuterDisposeScope();                                 // [B]
    }
}
