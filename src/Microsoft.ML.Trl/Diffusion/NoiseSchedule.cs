using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Diffusion;

/// <summary>How much of an image is left after each step of the way to noise: arXiv:2006.11239, Section 2.</summary>
public sealed class NoiseSchedule
{
    private const double LargestBeta = 0.999, CosineOffset = 0.008; // of arXiv:2102.09672

    private readonly double[] _betas, _alphasCumprod;

    /// <summary>Works the numbers out.</summary>
    /// <param name="options">Null = the defaults.</param>
    /// <exception cref="ArgumentException">A value is out of its range; the message names it.</exception>
    public NoiseSchedule(NoiseScheduleOptions? options = null)
    {
        Options = (options ?? new NoiseScheduleOptions()).Validated();
        int steps = Options.NumTrainTimesteps;
        _betas = [.. Enumerable.Range(0, steps).Select(step => Beta(Options, step))];
        _alphasCumprod = new double[steps];
        double left = 1;
        for (int step = 0; step < steps; step++)
            _alphasCumprod[step] = left *= 1 - _betas[step];
    }

    /// <summary>What it was made of.</summary>
    public NoiseScheduleOptions Options { get; }

    /// <summary>Steps, T.</summary>
    public int Length => _betas.Length;

    /// <summary>[T] variance of the noise that a step adds, β.</summary>
    public IReadOnlyList<double> Betas => _betas;

    /// <summary>[T] share of the image's variance that is left after a step, ᾱ: the product of all 1 - β so far.</summary>
    public IReadOnlyList<double> AlphasCumprod => _alphasCumprod;

    /// <summary>Images on their way to noise: √ᾱ·x + √(1-ᾱ)·ε, arXiv:2006.11239, Eq. 4.</summary>
    /// <param name="images">[B, ...] floating point.</param>
    /// <param name="noise">The same shape, normal with mean 0 and variance 1.</param>
    /// <param name="timesteps">[B] how far each is, from 0 to T - 1.</param>
    /// <returns>[B, ...]. The caller owns it.</returns>
    /// <exception cref="ArgumentException">Shapes or types differ, or a timestep is out of range.</exception>
    public Tensor AddNoise(Tensor images, Tensor noise, IReadOnlyList<int> timesteps)
    {
        RequireTensor.Floating(images);
        RequireTensor.Floating(noise);
        RequireTensor.OneShape((images, nameof(images)), (noise, nameof(noise)));
        CheckTimesteps(timesteps, images);
        using DisposeScope scope = NewDisposeScope();
        Tensor kept = PerRow(timesteps, images, step => Math.Sqrt(_alphasCumprod[step]));   // [B, 1, ...]
        Tensor added = PerRow(timesteps, images, step => Math.Sqrt(1 - _alphasCumprod[step]));
        return (kept * images).Plus(added * noise).MoveToOuterDisposeScope();
    }

    /// <summary>A number for each row, shaped to be multiplied with tensors like another.</summary>
    internal static Tensor PerRow(IReadOnlyList<int> timesteps, Tensor like, Func<int, double> number)
    {
        long[] shape = [timesteps.Count, .. Enumerable.Repeat(1L, (int)like.dim() - 1)];
        return tensor([.. timesteps.Select(number)], like.dtype, like.device).view(shape);
    }

    /// <summary>Fails unless there is one timestep per row, each within the schedule.</summary>
    internal void CheckTimesteps(IReadOnlyList<int> timesteps, Tensor rows)
    {
        ArgumentNullException.ThrowIfNull(timesteps);
        if (rows.dim() == 0 || timesteps.Count != rows.size(0))
            throw new ArgumentException(
                $"timesteps has {timesteps.Count} entries for rows of shape {RequireTensor.ShapeOf(rows)}; give one per row.",
                nameof(timesteps));
        if (timesteps.FirstOrDefault(step => (uint)step >= (uint)Length, -1) is var wrong && timesteps.Contains(wrong))
            throw new ArgumentException($"timesteps holds {wrong}; allowed are 0 to {Length - 1}.", nameof(timesteps));
    }

    private static double Beta(NoiseScheduleOptions options, int step)
    {
        double share = step / (options.NumTrainTimesteps - 1.0);
        double between(double start, double end) => start + (share * (end - start));
        switch (options.BetaSchedule)
        {
            case BetaSchedule.ScaledLinear:
                double root = between(Math.Sqrt(options.BetaStart), Math.Sqrt(options.BetaEnd));
                return root * root;
            case BetaSchedule.SquaredcosCapV2:
                double total = options.NumTrainTimesteps;
                return Math.Min(1 - (Left((step + 1) / total) / Left(step / total)), LargestBeta);
            default:
                return between(options.BetaStart, options.BetaEnd);
        }
    }

    /// <summary>Share of the image that is left at a share of the way.</summary>
    private static double Left(double way) => Math.Pow(Math.Cos((way + CosineOffset) / (1 + CosineOffset) * Math.PI / 2), 2);
}
