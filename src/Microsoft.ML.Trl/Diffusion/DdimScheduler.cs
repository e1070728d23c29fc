using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Diffusion;

/// <summary>
/// Walks from noise to an image in few of the schedule's steps: DDIM, arXiv:2010.02502, Eq. 12 and 16, with the timesteps of Stable
/// Diffusion (leading spacing, an offset of 1).
/// </summary>
public sealed class DdimScheduler
{
    private readonly NoiseSchedule _schedule;
    private readonly int _stride;

    /// <summary>Chooses the steps.</summary>
    /// <param name="schedule">How images were turned into noise.</param>
    /// <param name="numInferenceSteps">Steps to take, S; from 1 to below those of the schedule.</param>
    /// <exception cref="ArgumentOutOfRangeException">More steps than the schedule has, or none.</exception>
    public DdimScheduler(NoiseSchedule schedule, int numInferenceSteps)
    {
        ArgumentNullException.ThrowIfNull(schedule);
        CheckSteps(numInferenceSteps, schedule.Length, nameof(numInferenceSteps));
        (_schedule, _stride) = (schedule, schedule.Length / numInferenceSteps);
        Timesteps = [.. Enumerable.Range(0, numInferenceSteps).Select(step => (step * _stride) + 1).Reverse()];
    }

    /// <summary>[S] the schedule's steps that are visited, from noise to image.</summary>
    public IReadOnlyList<int> Timesteps { get; }

    /// <summary>Where the next step leads to: a normal distribution of the images that are one step less noisy.</summary>
    /// <param name="noise">[B, ...] the noise that the network sees in the images, ε.</param>
    /// <param name="timesteps">[B] how noisy each of the images is.</param>
    /// <param name="images">[B, ...] the same shape.</param>
    /// <param name="eta">η, in [0, 1]: 0 leads to one image only, 1 adds as much noise as DDPM.</param>
    /// <returns>In the caller's dispose scope; gradients flow to <paramref name="noise"/>.</returns>
    /// <exception cref="ArgumentException">Shapes or types differ, or a number is out of range.</exception>
    public DdimTransition Step(Tensor noise, IReadOnlyList<int> timesteps, Tensor images, double eta)
    {
        RequireTensor.Floating(noise);
        RequireTensor.Floating(images);
        RequireTensor.OneShape((noise, nameof(noise)), (images, nameof(images)));
        _schedule.CheckTimesteps(timesteps, images);
        Require.Between(eta, 0, 1);
        using DisposeScope scope = NewDisposeScope();
        Tensor of(Func<StepNumbers, double> number) =>
            NoiseSchedule.PerRow(timesteps, images, step => number(Numbers(step, eta)));                 // [B, 1, ...]
        Tensor original = images.Minus(of(n => Math.Sqrt(1 - n.Alpha)) * noise) / of(n => Math.Sqrt(n.Alpha));
        if (_schedule.Options.ClipSample)
            original = original.Within(-_schedule.Options.ClipSampleRange, _schedule.Options.ClipSampleRange);
        Tensor direction = of(n => Math.Sqrt(1 - n.NextAlpha - (n.Deviation * n.Deviation))) * noise;
        Tensor mean = (of(n => Math.Sqrt(n.NextAlpha)) * original).Plus(direction);                      // [B, ...]
        return new DdimTransition(mean.MoveToOuterDisposeScope(), of(n => n.Deviation).MoveToOuterDisposeScope());
    }

    /// <summary>Fails unless a schedule can be walked in so many steps.</summary>
    internal static void CheckSteps(int steps, int length, string name)
    {
        if (steps < 1 || steps >= length)
            throw new ArgumentOutOfRangeException(
                name, $"{name} ({steps}) must lie between 1 and {length - 1}: the schedule has {length} steps.");
    }

    /// <summary>
    /// As in TRL, the last step leads to the least noisy image of the schedule, not to one without noise: so it too has a deviation.
    /// </summary>
    private StepNumbers Numbers(int timestep, double eta)
    {
        double alpha = _schedule.AlphasCumprod[timestep], next = _schedule.AlphasCumprod[Math.Max(0, timestep - _stride)];
        double variance = (1 - next) / (1 - alpha) * (1 - (alpha / next));
        return new StepNumbers(alpha, next, eta * Math.Sqrt(variance));
    }

    /// <param name="Alpha">ᾱ of where the images are.</param>
    /// <param name="NextAlpha">ᾱ of where they go.</param>
    /// <param name="Deviation">σ.</param>
    private readonly record struct StepNumbers(double Alpha, double NextAlpha, double Deviation);
}
