using static TorchSharp.torch;

namespace Microsoft.ML.Trl.Numerics;

/// <summary>
/// What custom backward passes return. The engine takes references of its own as soon as such a pass returns; ours would hold the memory
/// of every layer until the whole backward pass has ended, so the next pass drops them.
/// </summary>
internal static class HandedGradients
{
    [ThreadStatic]
    private static Tensor?[]? s_last;

    /// <summary>The result of a custom backward pass; also ends the life of the gradient it was given. Call it last.</summary>
    /// <param name="upstream">What the pass was given.</param>
    /// <param name="gradients">One per input, owned by the scope of the pass; null = no gradient.</param>
    public static List<Tensor> Hand(Tensor upstream, params Tensor?[] gradients)
    {
        Drop();
        foreach (Tensor? gradient in gradients)
            gradient?.MoveToOuterDisposeScope();
        upstream.Dispose();
        s_last = gradients;
        return [.. gradients.Select(gradient => gradient!)];
    }

    /// <summary>Drops what the last pass on this thread returned.</summary>
    public static void Drop()
    {
        foreach (Tensor? gradient in s_last ?? [])
            gradient?.Dispose();
        s_last = null;
    }
}
