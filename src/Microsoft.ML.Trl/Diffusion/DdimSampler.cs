using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Diffusion;

/// <summary>What the network is told besides the image.</summary>
/// <param name="Words">[B, words] shares of the words of the prompts.</param>
/// <param name="Negative">[B, words] the same of what guidance leads away from.</param>
/// <param name="Scale">Weight of the prompts; 1 = no guidance.</param>
internal sealed record Guidance(Tensor Words, Tensor Negative, double Scale);

/// <summary>One step of sampling.</summary>
/// <param name="Before">[B, C, H, W].</param>
/// <param name="After">[B, C, H, W], one step less noisy.</param>
/// <param name="Transition">What it was drawn from.</param>
internal sealed record SamplingStep(Tensor Before, Tensor After, DdimTransition Transition);

/// <summary>Draws images of noise, step by step.</summary>
/// <param name="model">Foresees the noise.</param>
/// <param name="steps">How many.</param>
/// <param name="eta">η of DDIM.</param>
internal sealed class DdimSampler(DiffusionModel model, int steps, double eta)
{
    private readonly DdimScheduler _scheduler = new(model.Schedule, steps);

    /// <summary>The schedule's steps that are visited.</summary>
    public IReadOnlyList<int> Timesteps => _scheduler.Timesteps;

    /// <summary>Draws a batch.</summary>
    /// <param name="guidance">Prompts of the batch.</param>
    /// <param name="noise">Gives normal numbers in the shape of the batch, in the current scope; called where they are needed.</param>
    /// <param name="cancel">Looked at before each step.</param>
    /// <param name="visit">Sees each step, within its scope; null = nobody.</param>
    /// <returns>[B, C, H, W] in about [-1, 1]. The caller owns it.</returns>
    public Tensor Run(Guidance guidance, Func<Tensor> noise, CancellationToken cancel, Action<SamplingStep>? visit = null)
    {
        using IDisposable frozen = no_grad();
        using DisposeScope scope = NewDisposeScope();
        Tensor images = noise();
        foreach (int timestep in Timesteps)
        {
            cancel.ThrowIfCancellationRequested();
            Tensor before = images;
            images = Step(before, timestep, guidance, noise, visit);
            before.Dispose();
        }
        return images.MoveToOuterDisposeScope();
    }

    /// <summary>Where a step leads to, with the network as it is.</summary>
    /// <param name="images">[B, C, H, W].</param>
    /// <param name="timesteps">[B].</param>
    /// <param name="guidance">Of the same rows.</param>
    public DdimTransition Transition(Tensor images, IReadOnlyList<int> timesteps, Guidance guidance) =>
        _scheduler.Step(model.Noise(images, timesteps, guidance), timesteps, images, eta);

    private Tensor Step(Tensor before, int timestep, Guidance guidance, Func<Tensor> noise, Action<SamplingStep>? visit)
    {
        using DisposeScope scope = NewDisposeScope();
        int[] timesteps = [.. Enumerable.Repeat(timestep, (int)before.size(0))];
        DdimTransition transition = Transition(before, timesteps, guidance);
        Tensor after = eta > 0 ? transition.Sample(noise()) : transition.Mean;
        visit?.Invoke(new SamplingStep(before, after, transition));
        return after.MoveToOuterDisposeScope();
    }
}
