using TorchSharp;
using static TorchSharp.torch;
using static TorchSharp.torch.nn.functional;

namespace Microsoft.ML.Trl.Algorithms.Denoising;

/// <summary>Supervised training of a denoising network: it learns to see the noise in images, arXiv:2006.11239, Algorithm 1.</summary>
/// <param name="model">Trained in place.</param>
/// <param name="options">Checked when the run begins.</param>
/// <param name="progress">Hears of every <see cref="DenoisingOptions.LoggingSteps"/>-th step; null = nobody does.</param>
internal sealed class DenoisingLoop(DiffusionModel model, DenoisingOptions options, IProgress<StepReport>? progress = null)
{
    /// <summary>Trains.</summary>
    /// <param name="examples">At least one; of the model's size, and of words that it knows.</param>
    /// <param name="cancel">Looked at before each step.</param>
    /// <exception cref="TrainingCanceledException">Cancelled; the model is as of the last finished step.</exception>
    /// <exception cref="TrainingDivergedException">Loss or gradient is no finite number; the model is as of the last good step.</exception>
    public void Run(IReadOnlyList<ImageExample> examples, CancellationToken cancel = default)
    {
        NetworkTraining training = options.Validated().Training;
        int perEpoch = (examples.Count + options.PerDeviceTrainBatchSize - 1) / options.PerDeviceTrainBatchSize;
        int total = options.MaxSteps > 0 ? options.MaxSteps : checked(options.NumTrainEpochs * perEpoch);
        var run = new TrainingRun(DenoisingTrainer.Stage, total, training, progress, cancel);
        FiniteWeights.Require("starting model", model.Weights());
        using GradientStep gradients = new([.. TrainedParameter.Of(model.Weights())], training, total);
        using var noise = new Generator((uint)options.Seed);
        var chance = new Random(options.Seed);
        run.Run(Plan(examples.Count, perEpoch, total, chance), step =>
        {
            double rate = gradients.LearningRate;
            double loss = Accumulate([.. step.MicroBatches[0].Select(index => examples[index])], gradients, noise, chance);
            run.Log.NoteUpdate(loss, gradients.Update(loss), rate);
        });
    }

    /// <summary>Forward and backward pass of a batch.</summary>
    /// <returns>Its loss.</returns>
    private double Accumulate(ImageExample[] rows, GradientStep gradients, Generator noise, Random chance)
    {
        using DisposeScope scope = NewDisposeScope();
        float[] pixels = [.. rows.SelectMany(row => row.Pixels)];
        Tensor images = tensor(pixels, model.ImageShape(rows.Length)).to(model.Device).Times(2).Plus(-1); // [B, C, H, W]
        Tensor added = randn(images.shape, generator: noise).to(model.Device);
        int[] timesteps = [.. rows.Select(_ => chance.Next(model.Schedule.Length))];
        string[] prompts = [.. rows.Select(row => chance.NextDouble() < options.PromptDropout ? "" : row.Prompt)];
        Tensor noisy = model.Schedule.AddNoise(images, added, timesteps);
        Tensor loss = mse_loss(model.Noise(noisy, timesteps, model.Guide(prompts, 1, "")), added);
        gradients.Accumulate(loss);
        return loss.item<float>();
    }

    private IEnumerable<StepPlan> Plan(int examples, int perEpoch, int total, Random chance)
    {
        int[] order = [.. Enumerable.Range(0, examples)];
        for (int step = 0; step < total; step++)
        {
            if (step % perEpoch == 0)
                chance.Shuffle(order);
            int from = step % perEpoch * options.PerDeviceTrainBatchSize;
            int[] batch = order[from..Math.Min(from + options.PerDeviceTrainBatchSize, examples)];
            yield return new StepPlan(step + 1, (step + 1.0) / perEpoch, [batch]);
        }
    }
}
