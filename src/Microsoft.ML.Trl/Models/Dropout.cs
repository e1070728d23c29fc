using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Zeroes entries at random and scales the others up.</summary>
/// <remarks>
/// It draws from the generator alone. TorchSharp's generators are all of the CPU: on a GPU, the default generator of the device is seeded
/// with a number of it each time.
/// </remarks>
/// <param name="probability">Share of entries that are zeroed, in [0, 1).</param>
/// <param name="generator">Random numbers; without one nothing is zeroed.</param>
internal sealed class Dropout(double probability, Generator? generator)
{
    /// <summary>Zeroes nothing.</summary>
    public static Dropout None { get; } = new(0, null);

    public bool IsOff => probability == 0 || generator is null;

    /// <returns>The input itself, or a new tensor of the same shape.</returns>
    public Tensor Apply(Tensor x, bool training)
    {
        if (!training || IsOff)
            return x;
        using var scope = NewDisposeScope();
        bool isCpu = x.device_type == TorchSharp.DeviceType.CPU;
        if (!isCpu)
            cuda.manual_seed_all(randint(0, int.MaxValue, [1], generator: generator).item<long>());
        Generator? source = isCpu ? generator : null;
        Tensor keep = empty_like(x).detach().bernoulli_(1 - probability, source).div_(1 - probability);
        return (x * keep).MoveToOuterDisposeScope();
    }
}
