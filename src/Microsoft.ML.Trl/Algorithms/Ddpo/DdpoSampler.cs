using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ddpo;

/// <summary>Draws images and keeps the way that led to them.</summary>
internal sealed class DdpoSampler : IDisposable
{
    private readonly DiffusionModel _model;
    private readonly DdpoOptions _options;
    private readonly DdimSampler _sampler;
    private readonly Generator _noise;

    public DdpoSampler(DiffusionModel model, DdpoOptions options)
    {
        (_model, _options) = (model, options);
        _sampler = new DdimSampler(model, options.SampleNumSteps, options.SampleEta);
        _noise = new Generator((uint)options.Seed);
    }

    /// <summary>Images of prompts, so many at once as the options say.</summary>
    /// <returns>The caller owns it.</returns>
    public ImageRollout Draw(IReadOnlyList<string> prompts, CancellationToken cancel)
    {
        using IDisposable frozen = no_grad();
        using DisposeScope scope = NewDisposeScope();
        int steps = _options.SampleNumSteps;
        long[] image = _model.ImageShape(1)[1..];
        Tensor latents = empty([prompts.Count, steps + 1, .. image], device: _model.Device); // [B, S + 1, C, H, W]
        Tensor logProbs = empty([prompts.Count, steps], device: _model.Device);              // [B, S]
        int first = 0;
        foreach (string[] batch in prompts.Chunk(_options.SampleBatchSize))
        {
            Draw(batch, latents.narrow(0, first, batch.Length), logProbs.narrow(0, first, batch.Length), cancel);
            first += batch.Length;
        }
        Tensor pixels = DiffusionModel.ToPixels(latents.select(1, steps));
        return new ImageRollout([.. prompts], _sampler.Timesteps, latents, logProbs, pixels);
    }

    /// <summary>Where a step would lead to now.</summary>
    /// <param name="latents">[B, C, H, W].</param>
    /// <param name="timesteps">[B].</param>
    /// <param name="guidance">Of the same rows.</param>
    public DdimTransition Transition(Tensor latents, IReadOnlyList<int> timesteps, Guidance guidance) =>
        _sampler.Transition(latents, timesteps, guidance);

    public void Dispose() => _noise.Dispose();

    private void Draw(string[] prompts, Tensor latents, Tensor logProbs, CancellationToken cancel)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor noise() => randn(_model.ImageShape(prompts.Length), generator: _noise).to(_model.Device);
        Guidance guidance = _model.Guide(prompts, _options.SampleGuidanceScale, _options.NegativePrompts);
        int at = 0;
        _sampler.Run(guidance, noise, cancel, step =>
        {
            if (at == 0)
                latents.select(1, 0).copy_(step.Before);
            latents.select(1, at + 1).copy_(step.After);
            logProbs.select(1, at).copy_(step.Transition.LogProb(step.After));
            at++;
        });
    }
}
