using static TorchSharp.torch;

namespace Microsoft.ML.Trl;

/// <summary>Images that <see cref="DdpoSession.Sample"/> drew, with the way that led to them.</summary>
public sealed class ImageRollout : IDisposable
{
    internal ImageRollout(IReadOnlyList<string> prompts, IReadOnlyList<int> timesteps, Tensor latents, Tensor logProbs, Tensor images)
    {
        (Prompts, Timesteps) = (prompts, timesteps);
        Latents = latents.DetachFromDisposeScope();
        LogProbs = logProbs.DetachFromDisposeScope();
        Images = images.DetachFromDisposeScope();
    }

    /// <summary>[B] what the images were to show.</summary>
    public IReadOnlyList<string> Prompts { get; }

    /// <summary>[B, channels, height, width] float32 in [0, 1]. The rollout owns it.</summary>
    public Tensor Images { get; }

    /// <summary>[S] the steps of the schedule that were visited, from noise to image.</summary>
    internal IReadOnlyList<int> Timesteps { get; }

    /// <summary>[B, S + 1, C, H, W] noise, what the steps led to, and the image, as the network works with them.</summary>
    internal Tensor Latents { get; }

    /// <summary>[B, S] log-probabilities of the steps under the model that drew them.</summary>
    internal Tensor LogProbs { get; }

    /// <summary>Frees the images.</summary>
    public void Dispose()
    {
        Latents.Dispose();
        LogProbs.Dispose();
        Images.Dispose();
    }
}
