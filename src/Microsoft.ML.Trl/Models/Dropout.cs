using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Zeroes entries at random and scales the others up.</summary>
/// <remarks>
/// On the CPU it draws from the generator alone. TorchSharp's generators are all of the CPU: on a GPU it draws from the default
/// generator of the device, which <see cref="SeedDevice"/> seeds.
/// </remarks>
/// <param name="probability">Share of entries that are zeroed, in [0, 1).</param>
/// <param name="generator">Random numbers; without one nothing is zeroed.</param>
internal sealed class Dropout(double probability, Generator? generator)
{
    /// <summary>Zeroes nothing.</summary>
    public static Dropout None { get; } = new(0, null);

    public bool IsOff => probability == 0 || generator is null;

    /// <summary>Makes what is drawn on a GPU repeatable; the CPU needs nothing.</summary>
    public static void SeedDevice(Device device, int seed)
    {
        if (device.type == TorchSharp.DeviceType.CUDA)
            cuda.manual_seed((uint)seed);
    }

    /// <returns>The input itself, or a new tensor of the same shape.</returns>
    public Tensor Apply(Tensor x, bool training)
    {
        if (!training || IsOff)
            return x;
        using var scope = NewDisposeScope();
        Generator? source = x.device_type == TorchSharp.DeviceType.CPU ? generator : null;
        Tensor keep = empty_like(x).detach().bernoulli_(1 - probability, source).div_(1 - probability);
        return (x * keep).MoveToOuterDisposeScope();
    }
}
