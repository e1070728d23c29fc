using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Algorithms.Ddpo;

/// <summary>Means over the passes of an epoch, and the gradient norm of its last update.</summary>
internal sealed record DdpoFigures(double Loss, double ApproxKl, double ClipFraction, double GradientNorm);

/// <summary>Learns from drawn images: inner epochs → updates → batches → steps of the images.</summary>
internal sealed class DdpoUpdate : IDisposable
{
    private readonly DiffusionModel _model;
    private readonly DdpoSampler _sampler;
    private readonly DdpoOptions _options;
    private readonly GradientStep _gradients;
    private readonly Random _order;

    public DdpoUpdate(DiffusionModel model, DdpoSampler sampler, DdpoOptions options)
    {
        (_model, _sampler, _options) = (model, sampler, options);
        _order = new Random(options.Seed);
        int updates = options.NumEpochs * options.TrainNumInnerEpochs * (options.SamplesPerEpoch / options.SamplesPerUpdate);
        _gradients = new GradientStep([.. TrainedParameter.Of(model.Weights())], options.Training, updates);
    }

    /// <summary>Updates done.</summary>
    public int Number => _gradients.Number;

    /// <summary>Learns from a rollout.</summary>
    /// <param name="rollout">[B] images, a multiple of those of an update.</param>
    /// <param name="advantages">[B].</param>
    /// <exception cref="TrainingDivergedException">Loss or gradient is not finite; the weights are of the last good update.</exception>
    public DdpoFigures Run(ImageRollout rollout, double[] advantages)
    {
        using IDisposable records = enable_grad(); // whoever calls may have turned gradients off
        var passes = new List<DdpoFigures>();
        double norm = 0;
        for (int epoch = 0; epoch < _options.TrainNumInnerEpochs; epoch++)
        {
            int[] rows = PromptStream.Shuffled(advantages.Length, _order);
            int[][] steps = [.. rows.Select(_ => PromptStream.Shuffled(_options.SampleNumSteps, _order)[.._options.TrainedSteps])];
            int[][][] updates =
                [.. Enumerable.Range(0, rows.Length).Chunk(_options.TrainBatchSize).Chunk(_options.TrainGradientAccumulationSteps)];
            foreach (int[][] batches in updates)
            {
                var done = new List<DdpoFigures>();
                foreach (int[] batch in batches)
                    for (int step = 0; step < _options.TrainedSteps; step++)
                        done.Add(Pass(
                            rollout, advantages, [.. batch.Select(i => rows[i])], [.. batch.Select(i => steps[i][step])]));
                norm = _gradients.Update(done.Average(pass => pass.Loss));
                passes.AddRange(done);
            }
        }
        return new DdpoFigures(
            passes.Average(pass => pass.Loss), passes.Average(pass => pass.ApproxKl), passes.Average(pass => pass.ClipFraction), norm);
    }

    public void Dispose() => _gradients.Dispose();

    /// <summary>Forward and backward pass of one step of some images.</summary>
    private DdpoFigures Pass(ImageRollout rollout, double[] advantages, int[] rows, int[] steps)
    {
        using DisposeScope scope = NewDisposeScope();
        Device device = rollout.Latents.device;
        Tensor at = tensor(Array.ConvertAll(rows, row => (long)row), device: device);
        Tensor step = tensor(Array.ConvertAll(steps, each => (long)each), device: device);
        Tensor next = tensor(Array.ConvertAll(steps, each => each + 1L), device: device);
        Tensor before = rollout.Latents.index(at, step), after = rollout.Latents.index(at, next); // [B, C, H, W]
        Tensor old = rollout.LogProbs.index(at, step);                                                // [B]
        string[] prompts = [.. rows.Select(row => rollout.Prompts[row])];
        Guidance guidance = _model.Guide(prompts, _options.TrainCfg ? _options.SampleGuidanceScale : 1, _options.NegativePrompts);
        int[] timesteps = [.. steps.Select(each => rollout.Timesteps[each])];
        Tensor logProbs = _sampler.Transition(before, timesteps, guidance).LogProb(after);            // [B]
        Tensor advantage = tensor(Array.ConvertAll(rows, row => (float)advantages[row]), device: device);
        DdpoLossTerms terms = DdpoLoss.Compute(logProbs, old, advantage, _options.TrainClipRange, _options.TrainAdvClipMax);
        _gradients.Accumulate(terms.Loss.Times(1.0 / (_options.TrainGradientAccumulationSteps * _options.TrainedSteps)));
        float[] figures = stack([terms.Loss.detach(), terms.ApproxKl, terms.ClipFraction]).cpu().data<float>().ToArray();
        return new DdpoFigures(figures[0], figures[1], figures[2], GradientNorm: 0);
    }
}
