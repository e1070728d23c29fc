using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Where a generator of random numbers stands.</summary>
internal static class GeneratorState
{
    /// <summary>
    /// What draws numbers where a tensor is: the generator itself on the CPU, of which all of TorchSharp's generators are; on a GPU the
    /// default generator of the device, seeded with a number of this one.
    /// </summary>
    /// <returns>Null = the default generator.</returns>
    public static Generator? At(this Generator generator, Tensor place)
    {
        if (place.device_type == TorchSharp.DeviceType.CPU)
            return generator;
        using var scope = NewDisposeScope();
        cuda.manual_seed_all(randint(0, int.MaxValue, [1], generator: generator).item<long>());
        return null;
    }

    /// <summary>What it will draw next.</summary>
    public static byte[] State(this Generator generator)
    {
        using var scope = NewDisposeScope();
        return generator.get_state().data<byte>().ToArray();
    }

    /// <summary>Makes it draw what it was to draw when the state was taken.</summary>
    public static void SetState(this Generator generator, byte[] state)
    {
        using var scope = NewDisposeScope();
        generator.set_state(tensor(state));
    }
}
