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
    /// <summary>Images that evaluations measure, each with noise of its own, the same every time; null = there are none.</summary>
    public IReadOnlyList<ImageExample>? HeldOut { get; init; }

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
        var run = new TrainingRun(DenoisingTrainer.Stage, total, training, progress, cancel) { HeldOut = Measured(HeldOut) };
        FiniteWeights.Require("starting model", model.Weights());
        using GradientStep gradients = new([.. TrainedParameter.Of(model.Weights())], training, total);
        using var noise = new Generator((uint)options.Seed);
        var chance = new Random(options.Seed);
        run.Run(Plan(examples.Count, perEpoch, total, chance), step =>
        {
            double rate = gradients.LearningRate;
            double loss = Accumulate([.. step.MicroBatches[0].Select(index => examples[index])], gradients, noise, chance);
            run.Log.NoteUpdate(loss, gradients.Update(loss), rate);
        }, new TrainedModel(model.Weights().Select(weight => weight.Value), read => read()));
    }

    /// <summary>The loss of other images with their prompts.</summary>
    private HeldOutSet? Measured(IReadOnlyList<ImageExample>? images) => images is null ? null : new(images.Count, (numbers, figures) =>
    {
        ImageExample[] rows = Array.ConvertAll(numbers, number => images[number]);
        long[] seeds = Array.ConvertAll(numbers, number => PromptSeed.OfSample(options.Seed, number));
        int[] timesteps = Array.ConvertAll(seeds, seed => new Random(unchecked((int)seed)).Next(model.Schedule.Length));
        Tensor added = cat([.. seeds.Select(seed =>
        {
            using var noise = new Generator(unchecked((ulong)seed));
            return randn(model.ImageShape(1), generator: noise);
        })]).to(model.Device);
        figures.Note("loss", Loss(rows, added, timesteps, Array.ConvertAll(rows, row => row.Prompt)).item<float>(), rows.Length);
    });

    /// <summary>Forward and backward pass of a batch.</summary>
    /// <returns>Its loss.</returns>
    private double Accumulate(ImageExample[] rows, GradientStep gradients, Generator noise, Random chance)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor added = randn(model.ImageShape(rows.Length), generator: noise).to(model.Device);
        int[] timesteps = [.. rows.Select(_ => chance.Next(model.Schedule.Length))];
        string[] prompts = [.. rows.Select(row => chance.NextDouble() < options.PromptDropout ? "" : row.Prompt)];
        Tensor loss = Loss(rows, added, timesteps, prompts);
        gradients.Accumulate(loss);
        return loss.item<float>();
    }

    /// <summary>How far the noise that the network sees is from that which was added; in the current scope.</summary>
    private Tensor Loss(ImageExample[] rows, Tensor added, int[] timesteps, string[] prompts)
    {
        float[] pixels = [.. rows.SelectMany(row => row.Pixels)];
        Tensor images = tensor(pixels, model.ImageShape(rows.Length)).to(model.Device).Times(2).Plus(-1); // [B, C, H, W]
        Tensor noisy = model.Schedule.AddNoise(images, added, timesteps);
        return mse_loss(model.Noise(noisy, timesteps, model.Guide(prompts, 1, "")), added);
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
