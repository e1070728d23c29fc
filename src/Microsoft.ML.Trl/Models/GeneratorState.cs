using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Models;

/// <summary>Where a generator of random numbers stands.</summary>
internal static class GeneratorState
{
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
